"""The compute config: where the steps run, and on which machines."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from evoflow.settings.locations import Location, is_remote, resolve
from evoflow.settings.types import NonNegativeWhole, PositiveWhole, Section, Whole

_SCHEDULES = {
    "kubernetes": (r"@\w.*|\S+( +\S+){4}", "Argo takes cron's five fields, such as `0 3 * * 1`"),
    "batch": (
        r"\S+ +\S+ +(\? +\S+ +\S+|\S+ +\S+ +\?) +\S+",
        "Step Functions takes EventBridge's six fields, such as `0 3 ? * MON *`",
    ),
}
"""What a schedule looks like to the scheduler of each target, and how to say so."""


def _megabytes(value: Any) -> Any:
    """Refuse `64Gi`, and 64 where gigabytes were meant, of which no task could start."""
    text = isinstance(value, str) and not value.isdecimal()
    if text or (isinstance(value, int) and 0 < value < 1000):
        raise ValueError("must be a whole number of megabytes from 1000 on, such as 64000")
    return value


Megabytes = Annotated[PositiveWhole, BeforeValidator(_megabytes)]


class Toleration(Section):
    """A taint of Kubernetes nodes that a pod tolerates."""

    key: str | None = None
    """The taint's key; default: any, with `operator: Exists`."""
    operator: Literal["Exists", "Equal"] | None = None
    """`Equal` also compares the value; default: `Equal` where there is one, else `Exists`."""
    value: str | None = None
    """The taint's value, for `Equal`."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; default: any."""

    @model_validator(mode="after")
    def _fits_operator(self) -> Self:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("Exists compares no value: remove the value, or set operator: Equal")
        if self.key is None and self.operator != "Exists":
            raise ValueError("key is missing: name the taint's, or set operator: Exists for all")
        return self


class Machine(Section):
    """What one remote task asks for."""

    queue: str | None = None
    """Batch: the job queue; its compute environment decides the instance and the GPU model."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Kubernetes: labels of the nodes to run on; they decide the GPU model."""
    tolerations: tuple[Toleration, ...] = ()
    """Kubernetes: taints of those nodes."""
    cpu: PositiveWhole = 4
    """Cores."""
    memory: Megabytes = 16_000
    """Megabytes."""
    shared_memory: PositiveWhole | None = None
    """Megabytes of /dev/shm."""
    disk: Megabytes | None = None
    """Kubernetes: megabytes of scratch space; Metaflow's default of 10 GB is too small for Evo."""
    volumes: dict[str, str] = Field(default_factory=dict)
    """Storage that outlives a task (for downloaded weights, say), and its path inside the task.

    Batch: folders of the instance. Kubernetes: persistent volume claims.
    """
    image: str | None = None
    """Container image, if it is not `compute.image`."""


class GpuMachine(Machine):
    """What one remote task with GPUs asks for."""

    gpus: PositiveWhole = 1
    """GPUs of one task; `embed` and `train` use one."""
    gpu_vendor: Literal["nvidia", "amd"] = "nvidia"
    """Kubernetes: vendor of the GPUs."""


class ComputeSettings(Section):
    """Where the steps run, and into how many tasks their work is cut."""

    target: Literal["local", "batch", "kubernetes"] = "local"
    """`local`: every step runs on this machine."""
    processes: NonNegativeWhole = 0
    """Processes of `extract`; 0: one per core."""
    sequences_per_shard: PositiveWhole = 5000
    """Sequences per `embed` task; more where there would be more than `max_shards` tasks."""
    max_shards: PositiveWhole = 90
    """Maximum number of `embed` tasks. Metaflow allows 100, `run --max-num-splits N` more."""
    embedding_cache: Location | None = None
    """Folder or s3:// prefix in which embeddings are kept for later runs; default: none."""
    weights: Location | None = None
    """Folder or s3:// prefix for checkpoints of the hub: the first task that needs one stores it
    there, and all others read it there; default: each machine downloads its own copy."""
    image: str | None = None
    """Container image of the remote tasks."""
    secrets: tuple[str | dict[str, Any], ...] = ()
    """Secrets that remote tasks get as environment variables, written as for Metaflow's `@secrets`:
    the `HF_TOKEN` for a gated checkpoint, for example, and variables in URLs of the settings."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables of remote tasks; `${VARIABLE}` is replaced when the flow starts."""
    gpus: dict[str, GpuMachine] = Field(default_factory=dict)
    """The machine for each GPU model that a step asks for."""
    cpu_steps: Machine | None = None
    """The machine for the steps without a GPU; default: they run where the flow was started."""
    retries: Annotated[Whole, Field(ge=0, le=4)] = 3
    """How often a remote task is tried again after a failure or a spot interruption."""
    minutes_between_retries: NonNegativeWhole = 2
    """Pause before a remote task is tried again."""
    schedule: str | None = None
    """When a deployed flow runs (UTC): for Argo in cron's syntax (`0 3 * * 1`), for Step Functions
    in EventBridge's (`0 3 ? * MON *`); default: only when you start it."""
    trigger: str | None = None
    """Kubernetes: name of the Argo event that starts a deployed flow; default: none."""
    timeout_minutes: PositiveWhole | None = None
    """Minutes after which any task is stopped; default: none."""

    @model_validator(mode="after")
    def _fits_target(self) -> Self:
        if self.trigger and self.target != "kubernetes":
            raise ValueError("trigger is for flows deployed to Argo: set target: kubernetes")
        if self.target == "local":
            if self.schedule:
                raise ValueError("schedule is for deployed flows: set target: kubernetes or batch")
            return self
        machines: dict[str, Machine] = {f"gpus.{model}": self.gpus[model] for model in self.gpus}
        if self.cpu_steps:
            machines["cpu_steps"] = self.cpu_steps
        problems = [
            problem for key, machine in machines.items() for problem in self._misfits(key, machine)
        ]
        if not self.gpus:
            problems.append("gpus is missing: give a machine for each GPU model")
        problems += [*self._unshared(), *self._odd_schedule()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def is_seen_here(self, location: str) -> bool:
        """Whether this machine sees a place, too: a folder may be of a volume of remote tasks."""
        return self.target == "local" or is_remote(location)

    def _odd_schedule(self) -> Iterator[str]:
        """Say that a schedule is in another scheduler's syntax, which would be found out late."""
        pattern, said = _SCHEDULES[self.target]
        if self.schedule and not re.fullmatch(pattern, self.schedule.strip()):
            yield f"schedule: {said}, not {self.schedule!r}"

    def mounts(self, folder: str) -> bool:
        """Whether a folder is inside a volume that every machine of remote tasks mounts."""
        machines = [*self.gpus.values(), *([self.cpu_steps] if self.cpu_steps else [])]
        volumes = [set(machine.volumes.values()) for machine in machines]
        common = set.intersection(*volumes) if volumes else set()
        return any(Path(resolve(folder)).is_relative_to(volume) for volume in common)

    def _unshared(self) -> Iterator[str]:
        """Say which folders remote tasks would not have in common."""
        for key in ("embedding_cache", "weights"):
            location = getattr(self, key)
            if location is not None and not is_remote(location) and not self.mounts(location):
                yield (
                    f"{key} is a folder of this machine, which tasks on {self.target} do not see: "
                    "give an s3:// prefix, or a folder inside a volume that every machine mounts"
                )

    def _misfits(self, key: str, machine: Machine) -> Iterator[str]:
        """Say what a machine lacks for the target, and what it has without need."""
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
