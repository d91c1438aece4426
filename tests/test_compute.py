import re

import pytest
import yaml

from evoflow.compute import ComputeError, cpu, gpu
from evoflow.errors import InputError
from evoflow.settings import ComputeSettings, load
from tests.conftest import ROOT
from tests.flow.conftest import flow

IMAGE = "registry.example/evoflow:1"
BATCH = {"target": "batch", "image": IMAGE, "gpus": {"A100": {"queue": "big"}}}
KUBERNETES = {
    "target": "kubernetes",
    "image": IMAGE,
    "gpus": {"A100": {"node_selector": {"gpu": "A100"}}},
}


class FakeConfig(dict):
    def to_dict(self):
        return dict(self)


class FakeStep:
    """A step that notes the decorators that it is given."""

    IGNORE, OVERRIDE = 1, 2

    def __init__(self, compute):
        self.flow = self
        self.configs = [("compute", FakeConfig(compute))]
        self.worn = {}

    def add_decorator(self, name, deco_kwargs, duplicates):
        remote = name in {"batch", "kubernetes"}
        assert duplicates == (self.OVERRIDE if remote else self.IGNORE)
        self.worn[name] = deco_kwargs


def decorated(mutator, compute):
    step = FakeStep(compute)
    mutator.mutate(step)
    return step.worn


@pytest.fixture
def a100():
    wish = object.__new__(gpu)
    wish.init(model="A100")
    return wish


@pytest.fixture
def no_gpu():
    return object.__new__(cpu)


def problem_of(compute):
    with pytest.raises(InputError) as caught:
        load(ComputeSettings, compute, "compute")
    (problem,) = caught.value.problems
    return problem


def test_here_a_gpu_is_only_a_resource_wish(a100, no_gpu):
    assert decorated(a100, {}) == {"resources": {"gpu": 1}}
    assert decorated(no_gpu, {}) == {}


def test_batch_gets_the_queue_of_the_gpu_model(a100):
    machine = {
        "queue": "big",
        "cpu": 12,
        "memory": 120_000,
        "shared_memory": 8000,
        "volumes": {"/mnt/nvme": "/cache"},
    }
    assert decorated(a100, BATCH | {"gpus": {"A100": machine, "V100": {"queue": "small"}}}) == {
        "batch": {
            "gpu": 1,
            "cpu": 12,
            "memory": 120_000,
            "shared_memory": 8000,
            "image": IMAGE,
            "queue": "big",
            "host_volumes": ["/mnt/nvme:/cache"],
        },
        "retry": {"times": 3, "minutes_between_retries": 2},
    }


def test_kubernetes_gets_selector_tolerations_and_vendor(a100):
    taint = {"key": "nvidia.com/gpu", "effect": "NoSchedule"}
    machine = {
        "node_selector": {"gpu": "A100"},
        "tolerations": [taint],
        "image": "other:2",
        "gpus": 2,
        "disk": 60_000,
        "volumes": {"weights": "/cache"},
    }
    worn = decorated(a100, KUBERNETES | {"gpus": {"A100": machine}, "retries": 0})
    assert worn == {
        "kubernetes": {
            "gpu": 2,
            "gpu_vendor": "nvidia",
            "cpu": 4,
            "memory": 16_000,
            "disk": 60_000,
            "image": "other:2",
            "node_selector": {"gpu": "A100"},
            "tolerations": [taint | {"operator": "Exists"}],
            "persistent_volume_claims": {"weights": "/cache"},
        }
    }


@pytest.mark.parametrize(
    ("taint", "compared"),
    [
        ({"key": "dedicated", "value": "gpu"}, "Equal"),  # as Kubernetes reads it
        ({"key": "dedicated"}, "Exists"),
        ({"key": "dedicated", "operator": "Equal"}, "Equal"),
        ({"operator": "Exists"}, "Exists"),
    ],
)
def test_a_taint_is_tolerated_as_kubernetes_reads_it(a100, taint, compared):
    machine = {"node_selector": {"gpu": "A100"}, "tolerations": [taint]}
    worn = decorated(a100, KUBERNETES | {"gpus": {"A100": machine}})
    assert worn["kubernetes"]["tolerations"] == [taint | {"operator": compared}]


def test_steps_without_a_gpu_stay_here_unless_a_machine_is_named(no_gpu):
    assert decorated(no_gpu, BATCH) == {}
    worn = decorated(no_gpu, BATCH | {"cpu_steps": {"queue": "cores", "cpu": 8}})
    assert worn["batch"] == {"cpu": 8, "memory": 16_000, "image": IMAGE, "queue": "cores"}
    assert "retry" in worn


def test_secrets_and_environment_reach_remote_steps_only(a100, no_gpu, monkeypatch):
    monkeypatch.setenv("LAB", "genomics")
    source = {"type": "aws-secrets-manager", "id": "lab/hub"}
    wish = {"secrets": ["lab/token", source], "environment": {"TEAM": "${LAB}", "HF_HOME": "/hf"}}
    worn = decorated(a100, BATCH | wish)
    assert worn["secrets"] == {"sources": ["lab/token", source]}
    assert worn["environment"] == {"vars": {"TEAM": "genomics", "HF_HOME": "/hf"}}
    assert not {"secrets", "environment"} & set(decorated(no_gpu, BATCH | wish))
    assert decorated(a100, wish) == {"resources": {"gpu": 1}}


@pytest.fixture
def at_the_start(monkeypatch):
    """The command line of a run, where what its tasks will lack is known."""
    monkeypatch.setattr("sys.argv", ["flow.py", "run"])


@pytest.mark.usefixtures("at_the_start")
def test_a_variable_that_is_not_set_is_said_before_any_task_has_its_name_for_a_value(
    a100, monkeypatch
):
    compute = BATCH | {"environment": {"TOKEN": "x-${ABSENT}"}}
    with pytest.raises(ComputeError, match=r"compute\.environment\.TOKEN: .*uses ABSENT, which"):
        decorated(a100, compute)
    for words in (["step", "embed", "--run-id", "1"], ["card", "create", "1/embed/2"]):
        monkeypatch.setattr("sys.argv", ["flow.py", *words])
        assert decorated(a100, compute)["environment"] == {"vars": {}}
    monkeypatch.setattr("sys.argv", ["flow.py", "argo-workflows", "create"])
    with pytest.raises(ComputeError, match="uses ABSENT"):
        decorated(a100, compute)


@pytest.mark.usefixtures("at_the_start")
@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("token", "No default secrets backend"),
        ("lab.token", "Unknown secrets backend type lab"),
        ({"type": "aws-secrets-manager", "name": "x"}, "'id' must be a string"),
    ],
)
def test_a_secret_that_no_task_could_read_is_said_before_any_work(a100, secret, said):
    sound = "aws-secrets-manager.lab/token"
    assert decorated(a100, BATCH | {"secrets": [sound]})["secrets"] == {"sources": [sound]}
    with pytest.raises(ComputeError, match=rf"compute\.secrets\[1\]: .*{said}"):
        decorated(a100, BATCH | {"secrets": [sound, secret]})


@pytest.mark.parametrize("key", ["weights", "embedding_cache"])
@pytest.mark.parametrize("compute", [BATCH, KUBERNETES])
def test_a_folder_that_remote_tasks_do_not_see_is_an_error(key, compute):
    assert f"compute: {key} is a folder of this machine" in problem_of(compute | {key: "/data"})
    load(ComputeSettings, compute | {key: "s3://lab/prefix"}, "compute")
    load(ComputeSettings, {key: "/data"}, "compute")


def test_a_folder_inside_a_volume_of_every_machine_is_shared():
    mounted = {"queue": "q", "volumes": {"/mnt/shared": "/cache"}}
    compute = BATCH | {"weights": "/cache/weights", "gpus": {"A100": mounted, "V100": mounted}}
    assert load(ComputeSettings, compute).weights == "/cache/weights"
    bare = {"queue": "q"}
    assert "weights is a folder" in problem_of(compute | {"gpus": {"A100": mounted, "V100": bare}})


def test_a_timeout_holds_everywhere(a100, no_gpu):
    assert decorated(a100, {"timeout_minutes": 5})["timeout"] == {"minutes": 5}
    assert decorated(no_gpu, BATCH | {"timeout_minutes": 5})["timeout"] == {"minutes": 5}


def test_a_gpu_model_that_the_config_lacks_is_named(a100):
    with pytest.raises(ComputeError, match=r"compute\.gpus\.A100 is missing.*only V100"):
        decorated(a100, BATCH | {"gpus": {"V100": {"queue": "small"}}})


def test_a_wrong_config_is_a_message_of_metaflows(a100):
    with pytest.raises(ComputeError, match=r"compute: target: .*'moon'"):
        decorated(a100, {"target": "moon"})


@pytest.mark.parametrize(
    ("words", "variable", "allowed"),
    [
        (["run"], None, 100),
        (["run", "--max-num-splits", "300"], None, 300),
        (["run", "--max-num-splits=300"], "200", 300),
        (["run"], "200", 200),
    ],
)
def test_more_shards_than_metaflow_allows_are_refused_before_any_work(
    no_gpu, monkeypatch, words, variable, allowed
):
    monkeypatch.setattr("sys.argv", ["flow.py", *words])
    monkeypatch.delenv("METAFLOW_RUN_MAX_NUM_SPLITS", raising=False)
    if variable:
        monkeypatch.setenv("METAFLOW_RUN_MAX_NUM_SPLITS", variable)
    decorated(no_gpu, {"max_shards": allowed})
    message = rf"max_shards: {allowed + 1} is more than the {allowed} .*--max-num-splits"
    with pytest.raises(ComputeError, match=message):
        decorated(no_gpu, {"max_shards": allowed + 1})


def test_a_task_of_a_run_does_not_ask_again(no_gpu, monkeypatch):
    monkeypatch.setattr("sys.argv", ["flow.py", "step", "embed", "--run-id", "1"])
    decorated(no_gpu, {"max_shards": 5000})


def test_a_gpu_model_without_its_queue_is_an_error():
    problem = problem_of(BATCH | {"gpus": {"A100": {"cpu": 4}}})
    assert problem.startswith("compute: gpus.A100.queue is missing")


def test_all_that_is_missing_is_said_at_once():
    problem = problem_of({"target": "batch", "gpus": {"A100": {}}, "cpu_steps": {}})
    for key in ("gpus.A100.queue", "image (or gpus.A100.image)", "cpu_steps.queue"):
        assert f"{key} is missing" in problem


def test_no_gpu_models_at_all_is_an_error():
    assert "gpus is missing" in problem_of({"target": "kubernetes", "image": IMAGE})


def _tolerating(taint):
    machine = {"node_selector": {"gpu": "A100"}, "tolerations": [taint]}
    return KUBERNETES | {"gpus": {"A100": machine}}


@pytest.mark.parametrize(
    ("compute", "schedule"),
    [
        (KUBERNETES, "0 3 * * 1"),
        (KUBERNETES, "@daily"),
        (BATCH, "0 3 ? * MON *"),
        (BATCH, "0/30 3 1 * ? 2030"),
    ],
)
def test_each_scheduler_has_its_syntax(compute, schedule):
    assert load(ComputeSettings, compute | {"schedule": schedule}).schedule == schedule


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (KUBERNETES | {"gpus": {"A100": {"cpu": 4}}}, r"gpus.A100.node_selector is missing"),
        (KUBERNETES | {"cpu_steps": {"queue": "q"}}, r"cpu_steps.queue is for the target batch"),
        (BATCH | {"gpus": {"A100": {"queue": "q", "node_selector": {"a": "b"}}}}, "kubernetes"),
        (BATCH | {"gpus": {"A100": {"queue": "q", "disk": 9000}}}, "kubernetes"),
        ({"retries": 9}, "compute: retries"),
        ({"trigger": "clinvar"}, "set target: kubernetes"),
        (BATCH | {"trigger": "clinvar"}, "set target: kubernetes"),
        ({"schedule": "0 3 * * 1"}, "set target: kubernetes or batch"),
        (BATCH | {"schedule": "0 3 * * 1"}, "six fields, such as `0 3 ? * MON *`, not '0 3 * * 1'"),
        (BATCH | {"schedule": "0 3 * * 1 *"}, "EventBridge's six fields"),
        (KUBERNETES | {"schedule": "0 3 ? * MON *"}, "cron's five fields, such as `0 3 * * 1`"),
        (KUBERNETES | {"schedule": "Mondays"}, "cron's five fields"),
        (BATCH | {"gpus": {"A100": {"queue": "q", "memory": "64Gi"}}}, "number of megabytes"),
        (BATCH | {"gpus": {"A100": {"queue": "q", "memory": 64}}}, "megabytes from 1000 on"),
        (_tolerating({"value": "gpu"}), "tolerations[0]: key is missing"),
        (_tolerating({"key": "a", "operator": "Exists", "value": "b"}), "operator: Equal"),
        (BATCH | {"gpus": {"A100": {"que": "q"}}}, "did you mean 'queue'"),
    ],
)
def test_what_does_not_fit_the_target_is_an_error(compute, message):
    assert message in problem_of(compute)


@pytest.mark.parametrize("target", ["local", "batch", "kubernetes"])
def test_the_examples_are_valid_and_name_both_gpu_models(target):
    text = (ROOT / "config" / "compute" / f"{target}.yaml").read_text()
    settings = load(ComputeSettings, yaml.safe_load(text))
    assert settings.target == target
    assert set(settings.gpus) == (set() if target == "local" else {"A100", "V100"})


def test_the_commented_lines_of_the_examples_are_valid_too():
    for target in ("batch", "kubernetes"):
        text = (ROOT / "config" / "compute" / f"{target}.yaml").read_text()
        body = text[text.index("target:") :]
        uncommented = re.sub("^( *)#   ", r"\1", body, flags=re.MULTILINE)
        settings = load(ComputeSettings, yaml.safe_load(uncommented))
        assert settings.cpu_steps is not None
        assert settings.embedding_cache == "s3://YOUR-BUCKET/evoflow-embeddings"
        assert settings.weights == "s3://YOUR-BUCKET/evoflow-weights"
        assert settings.secrets
        assert settings.environment == {"HF_HUB_DOWNLOAD_TIMEOUT": "30"}


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        ({"A100": {"queue": "big"}}, "compute.gpus.V100 is missing"),
        ({"A100": {"queue": "big"}, "V100": {}}, "gpus.V100.queue is missing"),
    ],
)
def test_the_command_line_shows_a_message_and_no_traceback(gpus, message, tmp_path):
    path = tmp_path / "compute.yaml"
    path.write_text(yaml.safe_dump(BATCH | {"gpus": gpus}))
    done = flow(["run"], {}, tmp_path, compute=path)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
