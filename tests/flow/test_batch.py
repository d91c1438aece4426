"""The real `run` with `@batch`: jobs are processes here, the rest is as on AWS."""

import threading
import time
from types import SimpleNamespace

import pytest
import yaml

from tests.embed import loopback_hub
from tests.flow.conftest import BUCKET, CONFIG, GOLDEN, flow, results, s3_client, write_configs

pytestmark = pytest.mark.slow


def lose_instance_once(batch):
    """Have the first shard's first job killed after its task has started."""
    lost = []

    def lose(job):
        log = batch.folder / job["jobId"] / ".logs" / "mflog_stdout"
        while not (log.exists() and "Task is starting." in log.read_text()):
            time.sleep(0.05)
        batch.stop(job["jobId"])

    def before_start(job):
        if job["parameters"].get("metaflow.step_name") == "embed" and not lost:
            lost.append(job)
            threading.Thread(target=lose, args=(job,), daemon=True).start()

    batch.before_start = before_start
    return lost


@pytest.fixture(scope="module")
def hub():
    """A hub with the weights of the undisturbed run, and the variables that name it."""
    names = ("config.json", "model.safetensors")
    made = loopback_hub.LoopbackHub({name: (GOLDEN / name).read_bytes() for name in names})
    with loopback_hub.serve(made) as url:
        made.environment = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        yield made


@pytest.fixture(scope="module")
def remote_run(batch, hub, tmp_path_factory):
    """A run whose first shard loses its instance once: what it said and left, and that job."""
    folder = tmp_path_factory.mktemp("remote")
    compute = yaml.safe_load((CONFIG / "compute" / "batch.yaml").read_text())
    changes = {
        "cpu_steps": {"queue": "cpu-queue", "cpu": 2},
        "minutes_between_retries": 0,
        "sequences_per_shard": 300,
        "processes": 1,
        "secrets": [
            {"type": "inline", "id": "lab", "options": {"env_vars": {"LAB_TOKEN": "secret"}}}
        ],
        "environment": {"LAB": "genomics"} | hub.environment,
        "weights": f"s3://{BUCKET}/weights",
    }
    model = {"checkpoint": loopback_hub.REPOSITORY}
    configs = write_configs(folder, compute=compute | changes, model=model)
    environment = batch.environment | {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder)}
    lost = lose_instance_once(batch)
    words = ["run", "--run-id-file", "run-id", "--max-workers", "2"]
    run = flow(words, environment, folder, **configs)
    assert run.returncode == 0, run.stdout + run.stderr
    run_id = (folder / "run-id").read_text()
    return SimpleNamespace(
        run_id=run_id,
        folder=folder,
        environment=environment,
        output=run.stdout,
        jobs=[*batch.jobs.values()],
        lost=lost,
        results=results(run_id, environment, folder),
    )


def jobs_of(run, step):
    return [job for job in run.jobs if job["parameters"]["metaflow.step_name"] == step]


def test_a_run_on_batch_gives_what_a_run_on_this_machine_gives(remote_run, undisturbed):
    for name in ("examples", "shards", "embeddings", "log_likelihood", "metrics", "predictions"):
        assert remote_run.results[name] == undisturbed[name], name


def test_only_the_shard_that_lost_its_instance_runs_again(remote_run):
    embed = jobs_of(remote_run, "embed")
    assert len(remote_run.lost) == 1
    assert len(embed) == len(remote_run.results["shards"]) + 1
    assert [job["status"] for job in embed].count("FAILED") == 1
    (again,) = [job for job in embed if job["parameters"]["metaflow.retry_count"] == "1"]
    (lost,) = remote_run.lost
    assert again["parameters"]["metaflow.task_id"] == lost["parameters"]["metaflow.task_id"]


def test_jobs_go_to_the_queues_of_the_config_with_its_wishes(remote_run, batch):
    embed = jobs_of(remote_run, "embed")
    assert {job["jobQueue"] for job in embed} == {"evoflow-a100-p4d"}
    assert {job["jobQueue"] for job in jobs_of(remote_run, "train")} == {"evoflow-v100-p3"}
    assert {job["jobQueue"] for job in jobs_of(remote_run, "extract")} == {"cpu-queue"}
    assert {"type": "GPU", "value": "1"} in embed[0]["container"]["resourceRequirements"]
    given = {"name": "LAB", "value": "genomics"}
    assert all(given in job["container"]["environment"] for job in embed)
    assert "LAB_TOKEN" not in str(remote_run.jobs)
    # The code came with the package, the logs came back.
    assert list((batch.folder / embed[-1]["jobId"]).rglob("evoflow/embed/embedder.py"))
    assert "simulated demo" in remote_run.output


@pytest.mark.usefixtures("remote_run")
def test_the_weights_come_from_the_hub_once_for_all_jobs(hub, s3_url):
    assert len(hub.bytes_asked) == 1
    stored = s3_client(s3_url).list_objects_v2(Bucket=BUCKET, Prefix="weights/lab/evo/")
    names = [item["Key"].split("/")[-1] for item in stored["Contents"]]
    assert names.count("model.safetensors") == 1


@pytest.fixture
def lost_part(remote_run, s3_url):
    """Name of embeddings of the run that are not there meanwhile."""
    client, name = s3_client(s3_url), remote_run.results["parts"][0]
    where = {"Bucket": BUCKET, "Key": f"metaflow/EvoFlow/data/{name[:2]}/{name}"}
    kept = client.get_object(**where)["Body"].read()
    client.delete_object(**where)
    yield name
    client.put_object(**where, Body=kept)


def test_what_only_the_user_can_fix_is_not_tried_again(batch, remote_run, lost_part):
    before = {*batch.jobs}
    words = ["resume", "train", "--origin-run-id", remote_run.run_id]
    run = flow(words, remote_run.environment, remote_run.folder)
    assert run.returncode != 0
    assert lost_part in run.stdout
    assert "This failed task will not be retried" in run.stdout
    (job,) = [batch.jobs[number] for number in {*batch.jobs} - before]
    assert job["status"] == "FAILED"
    assert "batch kill --run-id" in run.stderr


def test_orphaned_jobs_are_listed_and_killed(batch, tmp_path):
    batch.definitions["any"] = {}
    batch.submitjob(
        {
            "jobName": "tester-EvoFlow-17-embed-4-0",
            "jobQueue": "evoflow-a100-p4d",
            "jobDefinition": "arn:aws:batch:us-east-1:123456789012:job-definition/any:1",
            "parameters": {
                "metaflow.user": "tester",
                "metaflow.flow_name": "EvoFlow",
                "metaflow.run_id": "17",
            },
            "containerOverrides": {
                "command": ["sleep", "600"],
                "resourceRequirements": [],
                "environment": [],
            },
            "timeout": {},
        }
    )
    number = list(batch.jobs)[-1]
    for command, status in (("list", "RUNNING"), ("kill", "FAILED")):
        done = flow(
            ["batch", command, "--run-id", "17"],
            batch.environment | {"USERNAME": "tester"},
            tmp_path,
            compute=CONFIG / "compute" / "batch.yaml",
        )
        assert "tester-EvoFlow-17-embed-4-0" in done.stdout + done.stderr
        assert batch.look(number)["status"] == status
