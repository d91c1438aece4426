"""Where the flow's steps run: a step says what it needs, the compute config says where that is."""

from collections.abc import Mapping, Sequence
from typing import Any

from metaflow import FlowMutator, StepMutator
from metaflow.exception import MetaflowException
from metaflow.plugins.secrets.secrets_spec import SecretSpec
from metaflow.plugins.secrets.utils import get_secrets_backend_provider

from evoflow.errors import InputError
from evoflow.running import allowed_splits, begins
from evoflow.secrets import expand
from evoflow.settings import ComputeSettings, GpuMachine, Machine, load


class ComputeError(MetaflowException):
    """A mistake in the compute config, printed as a message without a traceback."""

    headline = "Error in the compute config"


class deployed(FlowMutator):  # noqa: N801 - reads as a decorator
    """Have a deployed flow start by itself, as `schedule` and `trigger` of the compute config say.

    A plain `run` is not affected.
    """

    def pre_mutate(self, mutable_flow: Any) -> None:
        """Put the decorators that the compute config asks for on the flow."""
        try:
            raw = dict(mutable_flow.configs)["compute"].to_dict()
            compute = load(ComputeSettings, raw, "compute")
        except InputError:
            return  # the steps say what is wrong with it
        if compute.schedule:
            mutable_flow.add_decorator("schedule", deco_kwargs={"cron": compute.schedule})
        if compute.trigger:
            mutable_flow.add_decorator("trigger", deco_kwargs={"event": compute.trigger})


class gpu(StepMutator):  # noqa: N801 - reads as a decorator
    """Ask for the GPU of a model, such as `@gpu(model="A100")`.

    With the target `local` it is a resource wish only, and the step runs on whatever device is
    here. With `batch` or `kubernetes` the step runs on the machine that the compute config names
    for the model, with retries.
    """

    def init(self, *, model: str) -> None:
        """Keep the name of the GPU model."""
        self.model = model

    def mutate(self, mutable_step: Any) -> None:
        """Put the decorators that the compute config asks for on the step.

        Raises
        ------
        ComputeError
            When the config is wrong, or lacks the GPU model.
        """
        compute = _settings(mutable_step)
        if compute.target == "local":
            _decorate(mutable_step, "resources", gpu=1)
        elif self.model not in compute.gpus:
            raise ComputeError(
                f"compute.gpus.{self.model} is missing: a step asks for this GPU model, and "
                f"the config has only {', '.join(compute.gpus)}"
            )
        else:
            _send(mutable_step, compute, compute.gpus[self.model])
        _limit(mutable_step, compute)


class cpu(StepMutator):  # noqa: N801 - reads as a decorator
    """Let a step without a GPU stay here, or go where `cpu_steps` of the compute config says."""

    def mutate(self, mutable_step: Any) -> None:
        """Put the decorators that the compute config asks for on the step.

        Raises
        ------
        ComputeError
            When the config is wrong.
        """
        compute = _settings(mutable_step)
        if compute.target != "local" and compute.cpu_steps:
            _send(mutable_step, compute, compute.cpu_steps)
        _limit(mutable_step, compute)


def _settings(mutable_step: Any) -> ComputeSettings:
    raw = dict(mutable_step.flow.configs)["compute"]
    try:
        compute = load(ComputeSettings, raw.to_dict(), "compute")
    except InputError as error:
        raise ComputeError(str(error)) from None
    allowed = allowed_splits()
    if allowed is not None and compute.max_shards > allowed:
        raise ComputeError(
            f"compute.max_shards: {compute.max_shards} is more than the {allowed} tasks that "
            f"Metaflow allows; start the run with --max-num-splits {compute.max_shards} (or set "
            f"METAFLOW_RUN_MAX_NUM_SPLITS={compute.max_shards}), or set max_shards to {allowed}"
        )
    return compute


def _send(mutable_step: Any, compute: ComputeSettings, machine: Machine) -> None:
    """Have the step run remotely, and again when its instance is taken away."""
    wishes: dict[str, Any] = {
        "cpu": machine.cpu,
        "memory": machine.memory,
        "shared_memory": machine.shared_memory,
        "image": machine.image or compute.image,
    }
    if isinstance(machine, GpuMachine):
        wishes["gpu"] = machine.gpus
    if compute.target == "batch":
        wishes["queue"] = machine.queue
        wishes["host_volumes"] = [f"{host}:{path}" for host, path in machine.volumes.items()]
    else:
        wishes["node_selector"] = machine.node_selector
        wishes["disk"] = machine.disk
        wishes["tolerations"] = [
            {"operator": "Exists" if taint.value is None else "Equal"}
            | taint.model_dump(exclude_none=True)
            for taint in machine.tolerations
        ]
        wishes["persistent_volume_claims"] = machine.volumes
        if isinstance(machine, GpuMachine):
            wishes["gpu_vendor"] = machine.gpu_vendor
    # `--with kubernetes` on the command line names no machine: what the config names goes before.
    mutable_step.add_decorator(
        compute.target,
        deco_kwargs={key: wish for key, wish in wishes.items() if wish},
        duplicates=mutable_step.OVERRIDE,
    )
    if begins():
        _check_secrets(compute.secrets)
    if compute.secrets:
        _decorate(mutable_step, "secrets", sources=list(compute.secrets))
    if compute.environment:
        _decorate(mutable_step, "environment", vars=_expanded(compute.environment))
    if compute.retries:
        _decorate(
            mutable_step,
            "retry",
            times=compute.retries,
            minutes_between_retries=compute.minutes_between_retries,
        )


def _check_secrets(secrets: Sequence[str | dict[str, Any]]) -> None:
    """Refuse what `@secrets` refuses only on the remote machine, attempt after attempt."""
    for number, secret in enumerate(secrets):
        named = isinstance(secret, str)
        read = SecretSpec.secret_spec_from_str if named else SecretSpec.secret_spec_from_dict
        try:
            get_secrets_backend_provider(read(secret, role=None).secrets_backend_type)
        except MetaflowException as error:
            why = str(error).rstrip(".")
            raise ComputeError(
                f"compute.secrets[{number}]: {why}; name its place, as in aws-secrets-manager.NAME"
            ) from None


def _expanded(environment: Mapping[str, str]) -> dict[str, str]:
    """Replace variables; a task, which has its environment already, may lack them."""
    given = {}
    for name, value in environment.items():
        try:
            given[name] = expand(value)
        except ValueError as error:
            if begins():
                raise ComputeError(f"compute.environment.{name}: {error}") from None
    return given


def _limit(mutable_step: Any, compute: ComputeSettings) -> None:
    if compute.timeout_minutes:
        _decorate(mutable_step, "timeout", minutes=compute.timeout_minutes)


def _decorate(mutable_step: Any, name: str, **attributes: Any) -> None:
    """Add a decorator of Metaflow's, unless the step wears it already."""
    mutable_step.add_decorator(name, deco_kwargs=attributes, duplicates=mutable_step.IGNORE)
