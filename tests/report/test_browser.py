"""The cards in headless Chromium: every chart is drawn and nothing goes wrong on the console."""

import html
import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest

from evoflow.extract.examples import Extraction
from evoflow.report import cards, final
from evoflow.report.card_types import StepCard
from evoflow.report.charts import cards as drawn_cards
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
}, 7500);
</script>"""
"""Chromium's log lists other things too; this notes what the page itself complains of."""


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """Draw a page and return its document, and what its console complained of."""
    folder = tmp_path_factory.mktemp("pages")
    number = itertools.count()

    def draw(page, width=1000):
        path = folder / f"{next(number)}.html"
        path.write_text(page.replace("<body>", "<body>" + WATCH, 1))
        drawn = subprocess.run(
            [
                str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update",
                "--disable-sync", f"--window-size={width},900",
                f"--user-data-dir={folder / 'profile'}",
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
    return StepCard().render(SimpleNamespace(pathspec="EvoFlow/1/end/1"), card.rendered())


def assert_drawn(document, charts):
    """Each chart is a drawing with a width, and holds marks."""
    drawings = re.findall(r'<svg[^>]*class="marks" width="(\d+)"', document)
    assert len(drawings) == charts
    assert all(int(width) > 300 for width in drawings)
    assert len(re.findall(r'class="mark-(?:rect|symbol|line|rule)', document)) >= charts


MEASURE = """<script>
const unfold = () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
};
setTimeout(unfold, 800);
const measure = (attempts) => {
  const drawn = (chart) => chart.querySelector("svg");
  if (attempts && ![...document.querySelectorAll(".chart")].every(drawn))
    return setTimeout(measure, 500, attempts - 1);
  const found = [], wide = document.body.clientWidth;
  const shut = (part) => part.closest(".wide");
  for (const part of document.querySelectorAll("main *")) {
    const box = part.getBoundingClientRect();
    if (box.right > wide + 1 && !shut(part))
      found.push("beyond the edge: " + part.tagName + " " + part.textContent.slice(0, 60));
  }
  for (const chart of document.querySelectorAll(".chart")) {
    const svg = chart.querySelector("svg");
    if (!svg) { found.push("not drawn"); continue; }
    const share = svg.getBoundingClientRect().width / chart.clientWidth;
    if (share < 0.9 || share > 1.01) found.push("fills " + share.toFixed(2) + " of its place");
    for (const axis of chart.querySelectorAll(".role-axis-label")) {
      const boxes = [...axis.querySelectorAll("text")]
        .filter((text) => text.textContent && text.style.opacity !== "0"
                && text.getAttribute("opacity") !== "0")
        .map((text) => [text.textContent, text.getBoundingClientRect()]);
      for (const [i, [word, one]] of boxes.entries())
        for (const [next, other] of boxes.slice(i + 1))
        if (one.left < other.right + 1 && other.left < one.right + 1
            && one.top < other.bottom - 1 && other.top < one.bottom - 1)
          found.push("labels overlap: " + word + " and " + next);
    }
  }
  for (const svg of document.querySelectorAll("svg.marks")) {
    const place = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (text.textContent && (box.top < place.top - 1 || box.bottom > place.bottom + 1
          || box.left < place.left - 1 || box.right > place.right + 1))
        found.push("cut off: " + text.textContent);
    }
  }
  for (const words of found) console.error(words);
  document.body.dataset.wide = wide;
  document.body.dataset.fold = Math.round(document.getElementById("details")
    .getBoundingClientRect().top + scrollY);
};
setTimeout(measure, 3000, 8);
</script>"""
"""Opens all details, then complains of what overflows, overlaps, is cut off or leaves its place
empty."""

PRINTED = """<script>
setTimeout(() => {
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
  const print = rules.find((rule) => rule.media && rule.media.mediaText === "print");
  const style = document.createElement("style");
  style.textContent = [...print.cssRules].map((rule) => rule.cssText).join(" ");
  document.head.appendChild(style);
  document.body.style.width = "700px";
  dispatchEvent(new Event("beforeprint"));
}, 1500);
setTimeout(() => {
  const edge = document.body.getBoundingClientRect().right;
  for (const part of document.querySelectorAll("main *"))
    if (part.getBoundingClientRect().right > edge + 1)
      console.error("off the paper: " + part.tagName + " " + part.textContent.slice(0, 60));
}, 5000);
</script>"""
"""Lays the page out as on a sheet of A4, after it was drawn in a window."""


@pytest.fixture(scope="module")
def report_at(look, run, examples):
    """The report in a window of some width, as `look` draws it."""
    report = final.report(run, examples_with_reads(examples))

    @cache
    def draw(width):
        # No window of Chromium is narrower than 500 pixels.
        page = report.replace("</style>", f"body {{ max-width: {width}px; }}</style>", 1)
        return look(page.replace("</main>", "</main>" + MEASURE), width)

    return draw


@pytest.mark.parametrize("width", [400, 800, 1400])
def test_the_report_fits_its_window(report_at, width):
    document, complaints = report_at(width)
    assert complaints == "[]"
    seen = int(re.search(r'data-wide="(\d+)"', document)[1])
    assert width - 20 <= seen <= width  # a scroll bar may take the rest
    charts = document.count('class="chart ')
    drawings = re.findall(r'<svg[^>]*class="marks" width="(\d+)', document)
    assert len(drawings) == charts == 11
    assert "The most surprising predictions" in document
    assert document.count('class="pileup"') == 5


def test_the_tick_of_a_level_curve_is_its_value(look, run):
    level = replace(run, history=run.history.assign(validation_spearman=0.9125))
    page = final.report(level).replace("<details", "<details open")
    document, complaints = look(page)
    assert complaints == "[]"
    assert ">0.9125</text>" in document


def test_long_names_are_whole_in_a_narrow_window(look, run):
    estimate = (0.71, 0.6, 0.8, 1234)
    head = dict.fromkeys(("spearman", "macro_mae", "auroc_pathogenic"), estimate)
    subset = "within non coding transcript exon variant"
    page = final.report(
        replace(
            run,
            metrics={"all": {"head": {}}, subset: {"head": head}},
            predictions=run.predictions.head(0),
            headline=replace(run.headline, subset=subset),
        )
    ).replace("</style>", "body { max-width: 400px; }</style>", 1)
    document, complaints = look(page.replace("</main>", "</main>" + MEASURE), 400)
    assert complaints == "[]"
    assert document.count(f">{subset}</tspan>") == 4
    assert document.count(">(n=1,234)</tspan>") == 4


def test_a_printed_report_loses_nothing_at_the_edge(look, run, examples):
    by_model = run.metrics["carriers"]
    names = ["head", "training_mean", "carrier_bit", "allele_type", "boosted_trees", "one_hot_cnn"]
    many = dict.fromkeys(names, by_model["head"])
    crowded = replace(run, metrics=run.metrics | {"carriers": many})
    report = final.report(crowded, examples_with_reads(examples))
    document, complaints = look(report.replace("</main>", "</main>" + PRINTED), 1400)
    assert complaints == "[]"
    assert len(re.findall(r'<svg[^>]*class="marks"', document)) == 11


def test_results_and_input_take_at_most_three_screens(report_at):
    document, _ = report_at(1400)
    assert int(re.search(r'data-fold="(\d+)"', document)[1]) < 3 * 900


def examples_with_reads(examples):
    return examples.assign(
        sequence="ACGT" * 10 + "C" + "ACGT" * 10,
        reference_sequence="ACGT" * 10 + "A" + "ACGT" * 10,
        variant_offset=40,
        strand="+",
    )


CUT_OFF = """<script>
setTimeout(() => {
  for (const svg of document.querySelectorAll("svg.marks")) {
    const place = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (text.textContent && (box.top < place.top - 1 || box.bottom > place.bottom + 1))
        console.error("cut off: " + text.textContent);
    }
  }
}, 4000);
</script>"""
"""Complains of words that lie above or below their chart."""


def test_the_cards_of_the_steps_are_drawn(look, card, run, examples, training_rows):
    with cards.phases(card)("embedding shard 1 of 1", "sequences") as advance:
        advance(2, 2)
    drawn_cards.show_extraction(card, Extraction(examples, run.extraction))
    note = "/data/a_b*.vcf.gz: -0.87 is less than +1.5 (95%); see #3"
    drawn_cards.show_augmentation(card, examples, training_rows, [(0, 10)], notes=[note], size="9")
    live = drawn_cards.TrainingCard(card)
    live.epoch_ended(Epoch(1, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=1.0))
    live.epoch_ended(Epoch(2, 0.1, 0.2, 0.3, learning_rate=1e-3, seconds=1.0))
    live.draw()
    for width in (900, 1600):
        document, complaints = look(page_of(card) + CUT_OFF, width)
        assert_drawn(document, charts=5)
        assert note in document
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
    drawn_cards.show_extraction(card, Extraction(named, counts))
    drawn_cards.show_augmentation(card, named, training_rows, [(0, 10)], notes=[HOSTILE], size="9")
    document, complaints = look(page_of(card))
    assert complaints == "[]"
    assert "<title>EvoFlow/1/end/1</title>" in document
    for markup in ("<iframe", "<img src", "<strong>bold", 'href="javascript', "<svg onload"):
        assert markup not in document
    assert "**bold** `code` # head" in html.unescape(document)
