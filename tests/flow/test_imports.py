"""Steps import no more than they use: heavy libraries make every task start late."""

import ast
import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow
FLOW = ROOT / "flows" / "evo_flow.py"
HEAVY = {"torch", "torch._dynamo", "transformers", "sklearn", "scipy.stats", "boto3"}
USED = {
    "start": set(),
    "extract": set(),
    "augment": set(),
    "end": set(),
    "embed": {"torch"},
    "train": set(),  # and torch, as embed
}
"""What a step cannot do without, beyond what those before it in this table use."""


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


PROGRAM = """
import json, sys
import evo_flow
added, before = {}, set()
for step, imports in json.loads(sys.argv[1]).items():
    exec(imports)
    added[step] = sorted({*sys.modules} - before)
    before = {*sys.modules}
print(json.dumps(added))
"""


@pytest.fixture(scope="module")
def added():
    """Modules that each step adds, in one process that goes through the steps of `USED`."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps({step: imports_of(step) for step in USED})],
        env={"PYTHONPATH": f"{ROOT}:{FLOW.parent}", "USERNAME": "tester"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("step", USED)
def test_a_step_imports_nothing_heavy_that_it_does_not_use(added, step):
    assert HEAVY & {*added[step]} == USED[step]
