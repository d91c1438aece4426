"""Steps import no more than they use: heavy libraries make every task start late."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
FLOW = ROOT / "flows" / "evo_flow.py"
HEAVY = {"torch", "torch._dynamo", "transformers", "sklearn", "scipy.stats", "boto3"}
USED = {"embed": {"torch"}, "train": {"torch"}}
"""What a step cannot do without."""


def imports_of(step):
    """The import statements in the body of a step."""
    (flow,) = [
        node
        for node in ast.parse(FLOW.read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "EvoFlow"
    ]
    (body,) = [node for node in flow.body if getattr(node, "name", None) == step]
    found = [node for node in ast.walk(body) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert found
    return "\n".join(map(ast.unparse, found))


@pytest.mark.parametrize("step", ["start", "extract", "augment", "embed", "train", "end"])
def test_a_step_imports_nothing_heavy_that_it_does_not_use(step):
    program = f"import sys, evo_flow\n{imports_of(step)}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{ROOT}:{FLOW.parent}", "USERNAME": "tester"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY & {*done.stdout.split()} == USED.get(step, set())
