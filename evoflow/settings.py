"""The typed settings of the three configs: data, model and compute.

Each config is a YAML file. `load` turns the three raw mappings into one `Settings` and reports
every problem of all three together.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from evoflow.errors import InputError

HAPLOTYPE = "haplotype"
"""What the examples that `haplotypes` adds have in place of an individual's name."""

_REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def is_remote(location: str) -> bool:
    """Whether a location is a URL rather than a path."""
    return bool(_REMOTE.match(location))


def resolve_location(location: str) -> str:
    """Expand `${VARIABLE}` and `~`, and make a path absolute; URLs keep their form."""
    missing = sorted({name for name in _VARIABLE.findall(location) if name not in environ})
    if missing:
        raise ValueError(f"{location!r} uses {', '.join(missing)}, which the environment lacks")
    expanded = _VARIABLE.sub(lambda match: environ[match[1]], location)
    if not expanded:
        raise ValueError("is empty; name a file")
    return expanded if is_remote(expanded) else str(Path(expanded).expanduser().absolute())


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError("must be odd, so that a kernel has a middle")
    return number


Section = TypeVar("Section", bound=BaseModel)
Location = Annotated[str, AfterValidator(resolve_location)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Strict(BaseModel):
    """Unknown keys are refused and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Individual(_Strict):
    """One person: aligned reads, called variants and the sample's name."""

    sample: str
    """The sample's name in the header of `variants`."""
    reads: Location
    """BAM or CRAM with its index."""
    variants: Location
    """VCF or BCF with its index."""


class DemoSettings(_Strict):
    """The built-in simulated genome, used instead of files."""

    seed: NonNegativeInt = 0
    """Seed of the simulated genome, its variants and its reads."""


class DataSettings(_Strict):
    """What goes in: the individuals, ClinVar, the reference, and which reads are taken."""

    demo: DemoSettings | None = None
    """Simulate the inputs; then `reference`, `clinvar` and `individuals` stay away."""
    reference: Location | None = None
    """FASTA with its .fai (and .gzi when bgzipped)."""
    clinvar: Location | None = None
    """ClinVar's VCF, with `RS` and `MC` in INFO."""
    individuals: tuple[Individual, ...] = ()
    """The people whose reads become examples."""
    regions: tuple[str, ...] | None = None
    """Contigs or `contig:start-end` (1-based, closed) to stay within; default: all in common."""
    read_length: Annotated[int, Field(ge=20, le=8192)] = 150
    """Bases of every example; longer reads are trimmed, shorter ones dropped."""
    min_mapping_quality: Annotated[int, Field(ge=0, le=255)] = 20
    """Reads below it are dropped."""
    reads_per_variant: PositiveInt = 8
    """Carrier reads kept per allele, at most."""
    reference_loci: NonNegativeInt | Literal["all"] = 2000
    """ClinVar loci that the individual does not carry, from each of which one read is taken."""
    haplotypes: NonNegativeInt = 0
    """ClinVar alleles that no individual carries, written into the reference as further examples.

    They need no reads: with them, `individuals` may stay away.
    """
    unknown_consequences: Literal["error", "count"] = "count"
    """What a consequence term that no table lists does: stop the run, or be counted."""
    seed: NonNegativeInt = 0
    """Seed of every choice: reads, loci, splits, balancing and the head's training."""

    @model_validator(mode="after")
    def _has_inputs(self) -> Self:
        files = {"reference": self.reference, "clinvar": self.clinvar}
        given = [key for key, value in files.items() if value is not None]
        given += ["individuals"] if self.individuals else []
        if self.demo is not None and given:
            raise ValueError(f"`demo` simulates {', '.join(given)}; remove one or the other")
        needed = [*files] if self.haplotypes else [*files, "individuals"]
        if self.demo is None and not set(needed) <= set(given):
            missing = [key for key in needed if key not in given]
            raise ValueError(f"{', '.join(missing)} must be set (or `demo: {{}}` for the demo)")
        samples = [individual.sample for individual in self.individuals]
        twice = sorted({sample for sample in samples if samples.count(sample) > 1})
        if self.haplotypes and HAPLOTYPE in samples:
            raise ValueError(f"the sample name {HAPLOTYPE!r} stands for what `haplotypes` adds")
        if twice:
            raise ValueError(f"individuals name the sample {', '.join(twice)} more than once")
        return self


class Window(_Strict):
    """Tokens kept around the allele."""

    window: PositiveInt
    """Number of tokens, centred on the allele."""


class EmbeddingSettings(_Strict):
    """What is stored of each read: the cost of `embed` is its bytes."""

    layer: Literal["logits", "final"] | NonNegativeInt = "final"
    """`logits`, `final` (after the last norm), or the hidden state after so many blocks."""
    tokens: Literal["all", "mean"] | Window = Window(window=64)
    """`all`, `mean`, or `window: N` around the allele."""
    stored_dtype: Literal["float16", "float32"] = "float16"
    """Type in which embeddings are kept as artifacts."""


class SplitSettings(_Strict):
    """How examples are divided; whole genomic blocks go to one side."""

    validation: Share = 0.15
    """Share of the examples that decides when training stops."""
    test: Share = 0.25
    """Share of the examples that every metric is computed on."""
    block_size: PositiveInt = 5_000
    """Bases of a genomic block, where there are too few contigs to split by contig."""

    @model_validator(mode="after")
    def _leaves_training(self) -> Self:
        if self.validation + self.test >= 0.9:
            raise ValueError("validation and test leave less than a tenth for training")
        return self


class BalanceSettings(_Strict):
    """How rare labels are made less rare, in the training split only."""

    target: Literal["uniform"] | Fraction = 0.5
    """How even scores become: 0 leaves them, `uniform` gives all as many rows as the commonest.

    Between the two a score with a share s of the commonest score's rows gets s ** (1 - target).
    """
    minimum_share: Fraction = 0.5
    """Whatever the target, a score gets at least this share of the commonest score's rows."""
    by: Literal["rows", "weights"] = "rows"
    """Add rows of rare scores, or give their rows a greater weight in the loss."""


class HeadSettings(_Strict):
    """The convolutional head and its training."""

    channels: PositiveInt = 64
    """Channels between the convolutions."""
    kernel_size: Annotated[PositiveInt, AfterValidator(_odd)] = 7
    """Tokens that a convolution sees at once; odd."""
    layers: PositiveInt = 3
    """Convolutions; each sees three times as far as the one before."""
    dropout: Fraction = 0.1
    """Share of the values that training hides at random."""
    learning_rate: PositiveFloat = 1e-3
    """Its peak, after the warm-up."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """Of AdamW."""
    batch_size: PositiveInt = 64
    """Training rows of one optimiser step."""
    epochs: PositiveInt = 40
    """Passes over the training rows, at most."""
    patience: PositiveInt = 8
    """Epochs that rank the validation rows no better, after which training stops."""
    memory: PositiveFloat = 4.0
    """GiB of embeddings kept in memory at most; beyond, a scratch file holds them."""


class ModelSettings(_Strict):
    """Which Evo embeds the reads, what is kept, and the head that learns from it."""

    checkpoint: str = "evo-tiny"
    """A known name (`evo-tiny`, `evo-1-8k-base`, ...), a Hugging Face repository or a folder."""
    revision: str | None = None
    """Branch, tag or commit; default: the one that fits a known name."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 where the GPU has it, float32 elsewhere."""
    device: str = "auto"
    """`auto`: the first GPU, else the CPU; or a torch device such as `cuda:1`."""
    tokens_per_batch: PositiveInt = 8192
    """Tokens that go through the model at once."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    split: SplitSettings = SplitSettings()
    balance: BalanceSettings = BalanceSettings()
    head: HeadSettings = HeadSettings()


class Toleration(_Strict):
    """A taint of Kubernetes nodes that a pod puts up with."""

    key: str
    """The taint's key."""
    operator: Literal["Exists", "Equal"] = "Exists"
    """`Equal` also compares the value."""
    value: str | None = None
    """The taint's value, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; default: any."""


class Machine(_Strict):
    """What one remote task asks for."""

    queue: str | None = None
    """Batch: the job queue; its compute environment decides the instance and the GPU model."""
    node_selector: dict[str, str] = {}
    """Kubernetes: labels of the nodes to run on; they decide the GPU model."""
    tolerations: tuple[Toleration, ...] = ()
    """Kubernetes: taints of those nodes."""
    cpu: PositiveInt = 4
    """Cores."""
    memory: PositiveInt = 16_000
    """Megabytes."""
    shared_memory: PositiveInt | None = None
    """Megabytes of /dev/shm."""
    disk: PositiveInt | None = None
    """Kubernetes: megabytes of scratch space; Metaflow's default of 10 GB is less than weights."""
    volumes: dict[str, str] = {}
    """What outlives a task, such as downloaded weights, and the path at which a task sees it.

    Batch: folders of the instance. Kubernetes: persistent volume claims.
    """
    image: str | None = None
    """Container image, where it differs from the common one."""


class GpuMachine(Machine):
    """What one remote task with GPUs asks for."""

    gpus: PositiveInt = 1
    """GPUs of one task; `embed` and `train` use one."""
    gpu_vendor: Literal["nvidia", "amd"] = "nvidia"
    """Kubernetes: whose device plugin hands out the GPUs."""


class ComputeSettings(_Strict):
    """Where the steps run, and into how many tasks their work is cut."""

    target: Literal["local", "batch", "kubernetes"] = "local"
    """`local`: this machine."""
    processes: NonNegativeInt = 0
    """Processes of `extract`; 0: one a core."""
    sequences_per_shard: PositiveInt = 5000
    """Sequences that one `embed` task takes; more where the shards would be too many."""
    megabytes_per_shard: PositiveInt = 3000
    """Embeddings that one `embed` task leaves, at most."""
    embedding_cache: Location | None = None
    """Folder or s3:// prefix in which embeddings outlive a run; default: none."""
    image: str | None = None
    """Container image of the remote tasks."""
    gpus: dict[str, GpuMachine] = {}
    """For each GPU model that a step wishes for, the machine that has it."""
    cpu_steps: Machine | None = None
    """The machine of the steps without a GPU; default: they stay here."""
    retries: Annotated[int, Field(ge=0, le=4)] = 3
    """How often a remote task is tried again after it failed or its instance was taken away."""
    minutes_between_retries: NonNegativeInt = 2
    """Pause before a remote task is tried again."""
    timeout_minutes: PositiveInt | None = None
    """Minutes after which any task is stopped; default: no limit of ours."""

    @model_validator(mode="after")
    def _fits_target(self) -> Self:
        if self.target == "local":
            return self
        machines: dict[str, Machine] = {f"gpus.{model}": self.gpus[model] for model in self.gpus}
        if self.cpu_steps:
            machines["cpu_steps"] = self.cpu_steps
        problems = [
            problem for key, machine in machines.items() for problem in self._misfits(key, machine)
        ]
        if not self.gpus:
            problems.append("gpus is missing: name a machine for each GPU model")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _misfits(self, key: str, machine: Machine) -> Iterator[str]:
        """Say what a machine lacks for the target, and what it has in vain."""
        if not (machine.image or self.image):
            yield f"image (or {key}.image) is missing: build one from config/Dockerfile"
        if self.target == "batch":
            if not machine.queue:
                yield f"{key}.queue is missing: name the Batch job queue that has these machines"
            if machine.node_selector or machine.tolerations or machine.disk:
                yield f"{key}: node_selector, tolerations and disk are for the target kubernetes"
        if self.target == "kubernetes":
            if isinstance(machine, GpuMachine) and not machine.node_selector:
                yield f"{key}.node_selector is missing: name the labels of the nodes that have it"
            if machine.queue:
                yield f"{key}.queue is for the target batch; kubernetes goes by node_selector"


class Settings(_Strict):
    """All settings of a run."""

    data: DataSettings
    model: ModelSettings
    compute: ComputeSettings


def parse_yaml(text: str) -> dict[str, Any]:
    """Read a YAML mapping; an empty document is an empty mapping."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"not valid YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InputError(f"must be a mapping of settings, not {type(document).__name__}")
    return document


def load(kind: type[Section], raw: Mapping[str, Any], name: str = "") -> Section:
    """Validate raw settings.

    Parameters
    ----------
    kind
        The settings' type.
    raw
        The parsed YAML.
    name
        What messages put before each key, such as the file.

    Raises
    ------
    InputError
        With one problem per wrong key.
    """
    try:
        return kind.model_validate(dict(raw))
    except ValidationError as error:
        problems = [_explain(kind, name, detail) for detail in error.errors()]
        raise InputError(problems) from error


def load_settings(
    data: Mapping[str, Any], model: Mapping[str, Any], compute: Mapping[str, Any]
) -> Settings:
    """Validate the three configs and report the problems of all of them together."""
    return load(Settings, {"data": data, "model": model, "compute": compute})


def read_data_settings(path: Path) -> DataSettings:
    """Read a data YAML, as the commands that need no flow do."""
    return load(DataSettings, read_yaml(path), str(path))


def read_model_settings(path: Path) -> ModelSettings:
    """Read a model YAML, as the commands that need no flow do."""
    return load(ModelSettings, read_yaml(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file; every problem names it."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; name a YAML file of settings") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _explain(kind: type[BaseModel], name: str, detail: ErrorDetails) -> str:
    """One sentence for one validation error: the key, what is wrong with its value."""
    key = ""
    for part in detail["loc"]:
        key += f"[{part}]" if isinstance(part, int) else f".{part}"
    key = ": ".join(part for part in (name, key[1:]) if part)
    if detail["type"] == "extra_forbidden":
        unknown = str(detail["loc"][-1])
        alike = get_close_matches(unknown, _known_keys(kind), n=1)
        return f"{key}: unknown key" + (f"; did you mean {alike[0]!r}?" if alike else "")
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    if isinstance(given, str | int | float | bool) or given is None:
        return f"{key}: {message} (it is {given!r})"
    return f"{key}: {message}"


def _known_keys(kind: type[BaseModel]) -> list[str]:
    """Every key of a config and of its sections."""
    known = list(kind.model_fields)
    for field in kind.model_fields.values():
        for section in (field.annotation, *get_args(field.annotation)):
            if isinstance(section, type) and issubclass(section, BaseModel):
                known += _known_keys(section)
    return known
