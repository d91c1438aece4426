"""The cards in headless Chromium: every chart is drawn and nothing goes wrong on the console."""

import html
import re
import shutil
import subprocess
from types import SimpleNamespace

import pandas as pd
import pytest
from metaflow.plugins.cards.card_modules.basic import BlankCard

from evoflow.extract.examples import Extraction
from evoflow.report import cards, final
from evoflow.runs import self_contained
from evoflow.train.fit import Epoch

BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium"),
]

WATCH = """<script>
window.said = [];
window.onerror = (message) => window.said.push("uncaught: " + message);
console.error = (...words) => window.said.push(words.join(" "));
setTimeout(() => {
  const note = document.createElement("pre");
  note.id = "said";
  note.textContent = JSON.stringify(window.said);
  document.body.appendChild(note);
}, 4000);
</script>"""
"""Chromium's log lists other things too; this notes what the page itself complains of."""


@pytest.fixture
def look(tmp_path):
    """Draw a page and return its document, and what its console complained of."""

    def draw(page):
        path = tmp_path / "card.html"
        path.write_text(page.replace("<body>", "<body>" + WATCH, 1))
        drawn = subprocess.run(
            [
                str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
                "--virtual-time-budget=8000", "--dump-dom", path.as_uri(),
            ],
            check=True, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        document = re.sub(r"<script.*?</script>", "", drawn.stdout, flags=re.DOTALL)
        said = re.search(r'<pre id="said">(.*?)</pre>', document)
        assert said, "the page did not come to its end"
        return document, said[1]

    return draw


def page_of(card):
    html = BlankCard().render(SimpleNamespace(pathspec="EvoFlow/1/end/1"), card.rendered())
    return self_contained(html)


def assert_drawn(document, charts):
    """Each chart is a drawing with a width, and holds marks."""
    drawings = re.findall(r'<svg[^>]*class="marks" width="(\d+)"', document)
    assert len(drawings) == charts
    assert all(int(width) > 300 for width in drawings)
    assert len(re.findall(r'class="mark-(?:rect|symbol|line|rule)', document)) >= charts


def test_the_report_is_drawn(look, card, run):
    final.show_report(card, run)
    document, complaints = look(page_of(card))
    assert_drawn(document, charts=len(card.of_type("vegaChart")))
    assert complaints == "[]"
    assert "The 20 worst predictions" in document


def test_the_cards_of_the_steps_are_drawn(look, card, run, examples, training_rows):
    with cards.phases(card)("embedding shard 1 of 1", "sequences") as advance:
        advance(2, 2)
    cards.show_extraction(card, Extraction(examples, run.extraction))
    cards.show_augmentation(card, examples, training_rows, [(0, 10)])
    live = cards.TrainingCard(card)
    live.epoch_ended(Epoch(1, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=1.0))
    live.epoch_ended(Epoch(2, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=1.0))
    live.draw()
    document, complaints = look(page_of(card))
    assert_drawn(document, charts=5)
    assert complaints == "[]"


HOSTILE = (
    "<iframe srcdoc=\"<script>parent.document.title='HACKED'</script>\"></iframe>"
    "<img src=x onerror=\"document.title='HACKED'\">[x](javascript:alert(1))![y](https://e/p.png)"
    "**bold** `code` # head\n# head\n| a | b |\n<svg onload=\"document.title='HACKED'\">&lt;b&gt;"
)
"""A name that tries everything which Markdown and HTML would act on."""


def test_hostile_names_are_text_in_every_field(look, card, run, examples, training_rows):
    text = ["individual", "gene", "consequence", "rsid", "contig", "ref", "alt"]
    named = examples.assign(**dict.fromkeys(text, HOSTILE))
    counts = run.extraction.assign(individual=HOSTILE, subject=HOSTILE, reason=HOSTILE)
    found = SimpleNamespace(
        files=pd.DataFrame({"role": [HOSTILE], "location": [HOSTILE]}),
        contigs=pd.DataFrame({"reference": [HOSTILE]}),
        genome_build=None,
        warnings=(HOSTILE,),
    )
    cards.show_inputs(card, run.settings, found)
    cards.show_extraction(card, Extraction(named, counts))
    cards.show_augmentation(card, named, training_rows, [(0, 10)])
    document, complaints = look(page_of(card))
    assert complaints == "[]"
    assert "<title>EvoFlow/1/end/1</title>" in document
    for markup in ("<iframe", "<img src", "<strong>bold", 'href="javascript', "<svg onload"):
        assert markup not in document
    assert "**bold** `code` # head" in html.unescape(document)
