"""Where the flow's steps run: a step wishes for a GPU, the compute config resolves the wish."""

from typing import Any

from metaflow import StepMutator


class gpu(StepMutator):  # noqa: N801 - reads as a decorator
    """Ask for one GPU of a model, such as `@gpu(model="A100")`.

    With the local target it is a resource wish only, and the step runs on this machine.
    """

    def init(self, *, model: str) -> None:
        """Keep the name of the GPU model."""
        self.model = model

    def mutate(self, mutable_step: Any) -> None:
        """Put the decorator that the compute config asks for on the step."""
        mutable_step.add_decorator(
            "resources", deco_kwargs={"gpu": 1}, duplicates=mutable_step.IGNORE
        )
