"""The data config: whose reads, which variants, and which reads of them."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from evoflow.settings.columns import UserColumn
from evoflow.settings.locations import Location
from evoflow.settings.types import NonNegativeWhole, PositiveWhole, Section, Seed, Whole

SHORTEST, LONGEST = 20, 8192
"""Bases that a read may have."""

HAPLOTYPE = "haplotype"
"""The individual's name of the examples that `haplotypes` adds."""


def _as_text(contig: object) -> object:
    """Take a contig that YAML reads as a number, such as 17, as its name."""
    return str(contig) if isinstance(contig, int) and not isinstance(contig, bool) else contig


class Individual(Section):
    """One person: aligned reads, called variants and the sample's name."""

    sample: str
    """The sample's name in the header of `variants`."""
    reads: Location
    """BAM or CRAM with its index."""
    variants: Location
    """VCF or BCF with its index."""


class DemoSettings(Section):
    """The built-in simulated genome, used instead of files."""

    seed: Seed = 0
    """Seed of the simulated genome, its variants and its reads."""


class DataSettings(Section):
    """What goes in: the individuals, ClinVar, the reference, and which reads are taken."""

    demo: DemoSettings | None = None
    """Simulate the inputs; then `reference`, `clinvar` and `individuals` must be omitted."""
    reference: Location | None = None
    """FASTA with its .fai (and .gzi when bgzipped)."""
    clinvar: Location | None = None
    """ClinVar's VCF, with `RS` and `MC` in INFO."""
    individuals: tuple[Individual, ...] = ()
    """The people whose reads become examples."""
    regions: tuple[Annotated[str, BeforeValidator(_as_text)], ...] | None = None
    """Contigs or `contig:start-end` (1-based, both ends included) to use; default: all shared."""
    requester_pays: bool = False
    """`true`: pay, with your AWS account, for reading from S3 buckets that charge their readers."""
    read_length: Annotated[Whole, Field(ge=SHORTEST, le=LONGEST)] = 150
    """Bases of every example; longer reads are trimmed, shorter ones dropped."""
    context: PositiveWhole | None = None
    """Bases that the model sees of each example: the read in the middle of the reference around it;
    default: the read alone.

    At most what the model takes: 8192 for `evo-1-8k-base` and `evo2-7b-base`. Only the tokens
    around the allele are kept. Time grows with the length of the sequences.
    """
    filters: tuple[str, ...] | Literal["all"] = ("PASS", ".")
    """Calls of an individual are used if FILTER, and the sample's own `FT` where there is one, has
    one of these values; `all` uses every call.

    `.` means that no filter was applied. Other calls are left out and counted, and a read that
    shows one is not used as a reference read.
    """
    min_mapping_quality: Annotated[Whole, Field(ge=0, le=255)] = 20
    """Reads with a lower mapping quality are dropped."""
    min_base_quality: Annotated[Whole, Field(ge=0, le=93)] = 10
    """Bases with a lower quality do not count as showing an allele.

    For a substitution or an insertion these are its own bases, for a deletion those on both sides.
    """
    reads_per_variant: PositiveWhole = 8
    """Maximum number of carrier reads per allele."""
    reference_loci: NonNegativeWhole | Literal["all"] = 2000
    """Number of ClinVar loci where the individual has no variant; each gives one read."""
    haplotypes: NonNegativeWhole = 0
    """Number of additional examples: ClinVar alleles that no individual carries, written into the
    reference.

    They need no reads, so `individuals` may then be omitted.
    """
    columns: tuple[UserColumn, ...] = ()
    """Your own numbers for alleles, such as CADD, REVEL or a frequency: each is a baseline."""
    unknown_consequences: Literal["error", "count"] = "count"
    """What to do with an unknown consequence term: stop with an error, or count and ignore it."""
    consequence_field: Annotated[str, Field(pattern=r"^[A-Za-z_][0-9A-Za-z_.]*$")] | None = None
    """INFO field with the consequences, as VEP (`CSQ`), SnpEff (`ANN`) or bcftools csq (`BCSQ`)
    wrote it; default: ClinVar's `MC`.

    An allele's consequences are those in its individual's VCF, else those in this field of
    ClinVar's file, else those in `MC`.
    """
    seed: Seed = 0
    """Seed of every random choice: reads, loci, splits, balancing and the head's training."""

    @property
    def sequence_length(self) -> int:
        """Bases of a sequence that goes through the model, but at a contig's ends."""
        return self.context or self.read_length

    @model_validator(mode="after")
    def _holds_reads(self) -> Self:
        if self.context is not None and self.context < 2 * self.read_length:
            raise ValueError(
                f"context: {self.context} bases are too few around reads of {self.read_length}; "
                f"set {2 * self.read_length} or more, or leave context out"
            )
        return self

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
            raise ValueError(
                f"the sample name {HAPLOTYPE!r} is reserved for examples that `haplotypes` adds; "
                "rename the sample"
            )
        if twice:
            raise ValueError(f"individuals name the sample {', '.join(twice)} more than once")
        called = [column.called for column in self.columns]
        if len(set(called)) < len(called):
            name = next(name for name in called if called.count(name) > 1)
            raise ValueError(f"two columns are called {name}; give one of them another `title`")
        return self
