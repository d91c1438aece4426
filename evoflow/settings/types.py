"""What the settings of all three configs are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: Any) -> Any:
    if isinstance(value, bool):  # YAML's `yes` and `on`, which pydantic takes for 1
        raise ValueError("must be a number, not yes or no")  # noqa: TRY004 - pydantic tells it
    return value


Whole = Annotated[int, BeforeValidator(_number), Field(le=2**31 - 1)]
"""Two of them multiplied still fit into 64 bits."""
PositiveWhole = Annotated[Whole, Field(gt=0)]
NonNegativeWhole = Annotated[Whole, Field(ge=0)]
Seed = Annotated[int, BeforeValidator(_number), Field(ge=0, le=2**32 - 1)]
"""What NumPy, PyTorch and scikit-learn all take."""

Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
PositiveNumber = Annotated[Number, Field(gt=0)]
Fraction = Annotated[Number, Field(ge=0, lt=1)]
Share = Annotated[Number, Field(gt=0, lt=1)]


class Section(BaseModel):
    """Unknown keys are refused and nothing changes after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
