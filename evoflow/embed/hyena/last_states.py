"""What `AutoModel` makes of Evo: a model without logits."""

from typing import Any

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from evoflow.embed.hyena.causal_lm import HyenaForCausalLM


class LastStates(HyenaForCausalLM):
    """A model whose result is what the last norm gives: what `AutoModel` makes."""

    def forward(  # type: ignore[override]  # without labels
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> BaseModelOutput | tuple[Any, ...]:
        """Return `last_hidden_state`, shape=(batch, length, hidden); see `HyenaForCausalLM`."""
        final, kept = self.states(input_ids, attention_mask, output_hidden_states)
        output = BaseModelOutput(last_hidden_state=final, hidden_states=kept)
        return output if return_dict is not False else output.to_tuple()
