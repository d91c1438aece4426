"""Evo's tokens as transformers wants them."""

from typing import Any

from transformers import AddedToken, PreTrainedTokenizer

from evoflow.embed.hyena.tokens import PAD_ID


class EvoTokenizer(PreTrainedTokenizer):
    """One letter, one byte, one token: what `AutoTokenizer` gives for every Evo checkpoint.

    Letters are upper-cased, since lower case would be other tokens; nothing is put before or after
    them, and padding is on the right.
    """

    vocab_files_names = {}  # noqa: RUF012  # as the base class has it
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012
    padding_side = "right"

    def __init__(self, **options: Any) -> None:
        special = {0: AddedToken("<eos>", special=True), PAD_ID: AddedToken("<pad>", special=True)}
        names = {"eos_token": special[0], "pad_token": special[PAD_ID], "padding_side": "right"}
        super().__init__(**(options | names | {"added_tokens_decoder": special}))

    @property
    def vocab_size(self) -> int:
        """Bytes that there are."""
        return 256

    def get_vocab(self) -> dict[str, int]:
        """Map each byte, and the two special tokens, to its id."""
        return {chr(byte): byte for byte in range(256)} | self.added_tokens_encoder

    def _tokenize(self, text: str, **_options: Any) -> list[str]:
        return [chr(byte) for byte in text.upper().encode()]

    def _convert_token_to_id(self, token: str) -> int:
        return ord(token)

    def _convert_id_to_token(self, index: int) -> str:
        return chr(index)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Join letters."""
        return "".join(tokens)

    def save_vocabulary(
        self,
        save_directory: str,  # noqa: ARG002
        filename_prefix: str | None = None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """Write nothing: bytes need no vocabulary."""
        return ()
