"""The evoflow flow: `python flows/evo_flow.py run`."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
sys.path.insert(0, str(ROOT))

from evoflow.errors import InputError
from evoflow.metaflow_config import require_metaflow

try:
    require_metaflow()
except InputError as error:
    sys.exit(f"Error: {error}")

from metaflow import FlowSpec, Parameter, card, current, package_sources, project, retry, step
from metaflow.util import get_username

from evoflow.compute import cpu, deployed, gpu
from evoflow.report import card_types  # noqa: F401 - makes the types of the cards known
from evoflow.running import run_flow
from evoflow.steps import readable_errors, yaml_config

if get_username() is None:
    # Metaflow refuses to run for "root", the only user that most containers have.
    os.environ["USERNAME"] = "evoflow"


CARRIED = ["examples", "extraction", "split_counts", "split_notes", "balance_counts"]
"""Artifacts that `end` reads and that the join must therefore carry over."""


@deployed
@project(name="evoflow")
@package_sources("../evoflow", suffixes=[".py", ".json", ".safetensors", ".html"])
class EvoFlow(FlowSpec):
    """Learn how severe a DNA variant is from the reads that carry it.

    1. start: read the settings and check every input
    2. extract: find the individuals' alleles that ClinVar knows, and the reads that carry them
    3. augment: split without leaks, balance the labels, list the unique sequences
    4. embed: put each unique sequence through Evo, shard by shard
    5. train: fit the head on the paired embeddings and compare it with baselines
    6. end: sum up

    Three configs, each a YAML file, go before the command: `--config data FILE` (whose reads,
    variants and reference), `--config model FILE` (which Evo, and how the head learns) and
    `--config compute FILE` (where the steps run). docs/settings.md lists their keys. Without them
    the built-in demo runs on this machine. For example:

        python flows/evo_flow.py --config data mine.yaml run
    """

    data = yaml_config("data", CONFIG / "data" / "demo.yaml", "YAML: whose reads, which variants")
    model = yaml_config(
        "model", CONFIG / "model" / "evo-demo.yaml", "YAML: which Evo, how the head learns"
    )
    compute = yaml_config("compute", CONFIG / "compute" / "local.yaml", "YAML: where the steps run")

    export_examples = Parameter(
        "export-examples",
        default="",
        help="Also write the table of examples as JSON lines to this file.",
    )

    @card(type="evoflow")
    @cpu
    @retry(times=0)  # what start finds is for the user to fix
    @readable_errors
    @step
    def start(self):
        """Read the settings, make the demo data if asked, and check every input."""
        from evoflow import demo
        from evoflow.embed.size import bytes_per_sequence
        from evoflow.embed.store.cache import check_cache
        from evoflow.embed.weights.check import check_model
        from evoflow.errors import collected
        from evoflow.files.atomic import check_new
        from evoflow.inputs import preflight
        from evoflow.labels.check import allele_values, given_columns
        from evoflow.report import cards
        from evoflow.report.tags import add_tags, settings_tags
        from evoflow.settings import load_settings

        settings = load_settings(self.data, self.model, self.compute)
        problems = []
        with collected(problems):
            data = demo.prepare(settings.data)
            self.inputs = preflight.check(data)
        with collected(problems):
            given = given_columns(settings.data, settings.model.target)
        with collected(problems):
            settings = settings.model_copy(update={"model": check_model(settings)})
        if self.export_examples:
            with collected(problems):
                check_new(Path(self.export_examples), "--export-examples")
        with collected(problems):
            notes = check_cache(settings.compute)
        if problems:
            raise InputError(problems)
        self.allele_values, odd = allele_values(given, data, settings.model.target)
        self.settings = settings
        self.bytes_per_sequence = bytes_per_sequence(settings.model, settings.data.read_length)
        cards.show_inputs(current.card, self.settings, self.inputs, [*notes, *odd])
        add_tags(current, settings_tags(self.settings))
        self.next(self.extract)

    @card(type="evoflow_live")
    @cpu
    @readable_errors
    @step
    def extract(self):
        """Find the carrier reads and the reference reads of every individual; label them."""
        from evoflow import demo
        from evoflow.labels.examples import labelled_examples
        from evoflow.report import cards
        from evoflow.report.charts.cards import show_extraction

        with cards.phases(current.card)("finding reads", "parts") as advance:
            extraction = labelled_examples(
                demo.prepare(self.settings.data),
                self.settings.model.target,
                self.allele_values,
                processes=self.settings.compute.processes,
                progress=advance,
            )
        self.examples = extraction.examples
        self.extraction = extraction.counts
        self.contexts = extraction.contexts
        show_extraction(current.card, extraction)
        self.next(self.augment)

    @card(type="evoflow")
    @cpu
    @readable_errors
    @step
    def augment(self):
        """Split without leaks, balance the training labels, list what must be embedded."""
        from evoflow.augment import split, visibility
        from evoflow.augment.augmentation import augment
        from evoflow.augment.shards import plan_shards
        from evoflow.embed.cost import size_in_words
        from evoflow.embed.store.datastore import Datastore
        from evoflow.report import tallies
        from evoflow.report.charts.cards import show_augmentation

        augmented = augment(
            self.examples,
            self.settings.model,
            read_length=self.settings.data.read_length,
            seed=self.settings.data.seed,
            contexts=self.contexts,
        )
        self.examples, self.training_rows = augmented.examples, augmented.training_rows
        self.sequences, self.rows = augmented.sequences, augmented.rows
        self.shards = plan_shards(self.sequences, self.settings.compute)
        Datastore.of(self).require_room(len(self.sequences) * self.bytes_per_sequence)
        self.shard_numbers = list(range(len(self.shards)))
        self.split_counts = tallies.impact_counts(self.examples, "split")
        unseen = visibility.notes(self.examples, self.settings.model.embedding)
        self.split_notes = [*unseen, *split.notes(self.examples)]
        self.balance_counts = tallies.balance_counts(self.examples, self.training_rows)
        size = size_in_words(self.sequences["sequence"].tolist())
        print(f"{size} are embedded in {len(self.shards):,} shards")
        show_augmentation(
            current.card,
            self.examples,
            self.training_rows,
            self.shards,
            notes=self.split_notes,
            size=size,
        )
        self.next(self.embed, foreach="shard_numbers")

    @card(type="evoflow_live")
    @gpu(model="A100")
    @readable_errors
    @step
    def embed(self):
        """Embed one shard of the unique sequences with Evo."""
        from evoflow.embed.shard import embed_shard
        from evoflow.embed.store.datastore import Datastore
        from evoflow.report import cards

        self.shard = self.input
        start, stop = self.shards[self.shard]
        what = f"embedding shard {self.shard + 1} of {len(self.shards)}"
        phases = cards.phases(current.card)
        with phases(what, "sequences") as advance:
            embedded = embed_shard(
                self.sequences.iloc[start:stop],
                self.settings,
                tasks=len(self.shards),
                datastore=Datastore.of(self),
                task=current.pathspec,
                progress=advance,
                phases=phases,
                all_tokens=int(self.sequences["sequence"].str.len().sum()),
            )
        self.embeddings = embedded.embeddings
        self.log_likelihood = embedded.log_likelihood
        self.provenance = embedded.provenance
        self.embedding_report = embedded.report
        cards.show_embedding(current.card, embedded)
        self.next(self.train)

    @card(type="evoflow_live")
    @gpu(model="V100")
    @readable_errors
    @step
    def train(self, inputs):
        """Join the shards, fit the head and compare it with baselines on the test split."""
        from evoflow.devices.claims import claimed_device
        from evoflow.embed.join import join_shards
        from evoflow.labels.target import target_of
        from evoflow.report.charts.cards import TrainingCard, show_learning
        from evoflow.train.learning import learn

        # Pickled again by every shard, equal settings may differ in their bytes.
        self.settings = inputs[0].settings
        self.merge_artifacts(inputs, include=CARRIED)
        embedded = join_shards(inputs, self.settings.model)
        live = TrainingCard(current.card)
        with claimed_device(self.settings.model.device) as device:
            learning = learn(
                inputs[0].examples,
                inputs[0].rows,
                inputs[0].sequences,
                layers=embedded.layers,
                log_likelihood=embedded.log_likelihood,
                settings=self.settings.model.head,
                seed=self.settings.data.seed,
                target=target_of(self.settings.model.target),
                columns=self.settings.data.columns,
                device=str(device),
                on_epoch=live.epoch_ended,
                phases=live.phases,
            )
        live.draw()
        show_learning(current.card, learning)
        self.head = learning.fit.head
        self.history = learning.fit.history
        self.best_epoch = learning.fit.best_epoch
        self.predictions = learning.predictions
        self.metrics = learning.evaluation.metrics
        self.undefined = learning.evaluation.undefined
        self.comparisons = learning.comparisons
        self.headline = learning.headline
        self.layers = learning.layers
        self.left_out = learning.left_out
        self.provenance = asdict(embedded.provenance) | {
            "layer": learning.layer,
            "trained_on": learning.fit.device,
        }
        self.next(self.end)

    @card(type="evoflow_report")
    @cpu
    @readable_errors
    @step
    def end(self):
        """Sum up the run in the terminal, in its tags and in the report."""
        from evoflow.report.final import report
        from evoflow.report.record import RunRecord
        from evoflow.report.summary import summary
        from evoflow.report.tags import add_tags, result_tags, settings_tags
        from evoflow.table import write_jsonl

        record = RunRecord.of(self, name=f"{current.flow_name}/{current.run_id}")
        self.summary = summary(record)
        self.report = report(record, self.examples)
        # A resumed run has not gone through `start`, and carries no tags of it.
        add_tags(current, settings_tags(self.settings) + result_tags(self.headline))
        if self.export_examples:
            write_jsonl(self.examples, Path(self.export_examples))
        print(self.summary)


if __name__ == "__main__":
    run_flow(EvoFlow)
