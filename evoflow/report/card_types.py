"""Our types of cards, which Metaflow knows once this module is imported."""

from typing import Any

from metaflow.cards import MetaflowCard
from metaflow.plugins import CARDS
from metaflow.plugins.cards.card_modules.basic import BlankCard

from evoflow.runs import REPORT, self_contained

_FOLLOW_THE_WINDOW = """<style>.vega-embed { display: block !important; width: 100%; }</style>
<script>
setInterval(() => {
  const astray = [...document.querySelectorAll(".vega-embed")].some((place) => {
    const svg = place.querySelector("svg.marks");
    return svg && Math.abs(svg.getBoundingClientRect().width - place.clientWidth) > 20;
  });
  if (astray) dispatchEvent(new Event("resize"));
}, 300);
</script>"""
"""Charts measure their place before the page is laid out, so once more when they are drawn."""


class StepCard(BlankCard):
    """Metaflow's blank card, whose charts fill the page and which loads nothing.

    It is drawn once, at the end of its step.
    """

    type = "evoflow"
    RUNTIME_UPDATABLE = False
    RELOAD_POLICY = MetaflowCard.RELOAD_POLICY_NEVER

    def render(self, task: Any, components: Any = (), runtime: bool = False) -> str:
        """Write the page."""
        drawn = super().render(task, components=list(components), runtime=runtime)
        head, end, tail = self_contained(drawn).rpartition("</body>")
        return f"{head}{_FOLLOW_THE_WINDOW}{end}{tail}"


class LiveCard(StepCard):
    """A card that shows how far its step has come, at the price of a process for every refresh."""

    type = "evoflow_live"
    RUNTIME_UPDATABLE = True
    RELOAD_POLICY = MetaflowCard.RELOAD_POLICY_ONCHANGE


class ReportCard(MetaflowCard):
    """The report of a run: the page that the last step has left as its artifact."""

    type = REPORT

    def render(self, task: Any) -> str:
        """Return the page."""
        return str(task["report"].data)


CARDS.extend(kind for kind in (StepCard, LiveCard, ReportCard) if kind not in CARDS)
