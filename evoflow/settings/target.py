"""What the head learns to predict."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_serializer, model_validator
from pydantic_core import PydanticCustomError

from evoflow.settings.columns import AlleleColumn
from evoflow.settings.types import Section, Whole

_FORMS = "`impact`, `pathogenicity` or a section with the key pathogenicity or column"


class PathogenicitySettings(Section):
    """Which of ClinVar's classifications are labels."""

    min_stars: Annotated[Whole, Field(ge=0, le=4)] = 2
    """Stars of review status (`CLNREVSTAT`) that a classification must have at least."""


class TargetSettings(Section):
    """What the head learns: one of its keys, or neither for the impact."""

    pathogenicity: PathogenicitySettings | None = None
    """ClinVar's germline classification: (likely) pathogenic is 1, (likely) benign is 0."""
    column: AlleleColumn | None = None
    """Your own number for each allele, such as a functional score."""

    @property
    def kind(self) -> Literal["impact", "pathogenicity", "column"]:
        """Which target it is."""
        if self.column is not None:
            return "column"
        return "impact" if self.pathogenicity is None else "pathogenicity"

    @model_validator(mode="wrap")
    @classmethod
    def _of_word(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Take `impact` and `pathogenicity` as words too."""
        if given == "impact":
            return handler({})
        if given == "pathogenicity":
            return handler({"pathogenicity": {}})
        if isinstance(given, dict):  # `column:` with nothing below it is a section too
            given = {key: {} if value is None else value for key, value in given.items()}
        elif not isinstance(given, cls):
            raise PydanticCustomError("target", f"must be {_FORMS}")
        found = handler(given)
        if found.pathogenicity is not None and found.column is not None:
            raise PydanticCustomError("target", "has both pathogenicity and column; keep one")
        return found

    @model_serializer
    def _shortest(self) -> Any:
        """Write it as a user would."""
        if self.column is not None:
            return {"column": self.column.model_dump()}
        if self.pathogenicity is not None:
            return {"pathogenicity": self.pathogenicity.model_dump()}
        return "impact"
