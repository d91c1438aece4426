"""The real `run` with `@batch`: jobs are processes here, the rest is as on AWS."""

import hashlib
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests.conftest import ROOT
from tests.embed import loopback_hub
from tests.flow.conftest import (
    BUCKET,
    COMPARED,
    CONFIG,
    SMALL,
    flow,
    keys_under,
    results,
    s3_client,
    write_configs,
)

pytestmark = pytest.mark.slow


def add_mishaps(batch, take_part_away):
    """Kill the first job of `embed` in its task; take a part away from the first of `train`.

    Returns the first job of each step.
    """
    first_jobs = {}

    def kill(job):
        log = batch.folder / job["jobId"] / ".logs" / "mflog_stdout"
        while not (log.exists() and "Task is starting." in log.read_text()):
            time.sleep(0.05)
        batch.stop(job["jobId"])

    def before_start(job):
        step = job["parameters"].get("metaflow.step_name")
        if first_jobs.setdefault(step, job) is not job:
            return
        if step == "embed":
            threading.Thread(target=kill, args=(job,), daemon=True).start()
        if step == "train":
            take_part_away()

    batch.before_start = before_start
    return first_jobs


@pytest.fixture(scope="module")
def hub():
    """A hub with the weights of the undisturbed run, and the variables that name it."""
    weights = ROOT / "evoflow" / "demo" / "evo_demo"
    names = ("config.json", "model.safetensors")
    made = loopback_hub.LoopbackHub({name: (weights / name).read_bytes() for name in names})
    with loopback_hub.serve(made) as url:
        made.environment = {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
        yield made


@pytest.fixture(scope="module")
def part(undisturbed, s3_url):
    """A part of the embeddings on the S3 server: it has the name of the same part elsewhere."""
    client, name = s3_client(s3_url), undisturbed["parts"][0]
    root = Path(os.environ["METAFLOW_DATASTORE_SYSROOT_LOCAL"]) / ".metaflow"
    place = f"EvoFlow/data/{name[:2]}/{name}"
    where = {"Bucket": BUCKET, "Key": f"metaflow/{place}"}
    return SimpleNamespace(
        name=name,
        take_away=lambda: client.delete_object(**where),
        bring_back=lambda: client.put_object(**where, Body=(root / place).read_bytes()),
    )


@pytest.fixture(scope="module")
def remote_run(batch, hub, part, tmp_path_factory):
    """A run that loses an instance once, fails for a lost part, and is resumed with the part."""
    folder = tmp_path_factory.mktemp("remote")
    compute = yaml.safe_load((CONFIG / "compute" / "batch.yaml").read_text())
    changes = {
        "minutes_between_retries": 0,
        "sequences_per_shard": SMALL["compute"]["sequences_per_shard"],
        "secrets": [
            {"type": "inline", "id": "lab", "options": {"env_vars": {"LAB_TOKEN": "secret"}}}
        ],
        "environment": {"LAB": "genomics"} | hub.environment,
        "weights": f"s3://{BUCKET}/weights",
        "embedding_cache": f"s3://{BUCKET}/embeddings",
    }
    model = {"checkpoint": loopback_hub.REPOSITORY}
    configs = write_configs(folder, compute=compute | changes, model=model)
    here = {"METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder), "HF_HOME": str(folder / "hub")}
    environment = batch.environment | hub.environment | here
    first_jobs = add_mishaps(batch, part.take_away)
    words = ["--run-id-file", "run-id", "--max-workers", "2"]
    failed = flow(["run", *words], environment, folder, **configs)
    part.bring_back()
    assert "train" in first_jobs, failed.stdout + failed.stderr
    assert failed.returncode != 0, "`train` missed nothing: the part is not of this run"
    origin = (folder / "run-id").read_text()
    resumed = flow(["resume", "--origin-run-id", origin, *words], environment, folder)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    run_id = (folder / "run-id").read_text()
    return SimpleNamespace(
        failed=failed,
        origin=origin,
        run_id=run_id,
        jobs=[*batch.jobs.values()],
        lost=first_jobs["embed"],
        results=results(run_id, environment, folder),
    )


def jobs_of(run, step):
    return [job for job in run.jobs if job["parameters"]["metaflow.step_name"] == step]


def test_a_run_on_batch_gives_what_a_run_on_this_machine_gives(remote_run, undisturbed):
    for name in COMPARED:
        assert remote_run.results[name] == undisturbed[name], name


def test_its_artifacts_are_on_s3(remote_run, s3_url):
    assert remote_run.results["successful"]
    keys = keys_under(s3_url, f"metaflow/EvoFlow/{remote_run.run_id}/")
    assert {key.split("/")[3] for key in keys} >= {"start", "extract", "embed", "train", "end"}
    assert keys_under(s3_url, "metaflow/EvoFlow/data/")


def test_the_flow_keeps_its_embeddings_in_the_cache(remote_run, s3_url):
    assert all(misses > 0 for misses in remote_run.results["misses"])
    kinds = {key.split("/")[2] for key in keys_under(s3_url, "embeddings/")} - {"writable"}
    assert kinds == {"recipe.json", "data", "index"}


def test_the_handles_of_the_shards_are_small_and_their_parts_lie_raw_on_s3(remote_run, s3_url):
    left, client = remote_run.results, s3_client(s3_url)
    assert max(left["handle_bytes"]) < 4096
    for key, digest in zip(left["parts"], left["embeddings"], strict=True):
        (found,) = keys_under(s3_url, f"metaflow/EvoFlow/data/{key[:2]}/{key}")
        body = client.get_object(Bucket=BUCKET, Key=found)["Body"].read()
        assert hashlib.sha256(body).hexdigest() == digest  # so small a shard has one part


def test_only_the_shard_that_lost_its_instance_runs_again(remote_run):
    embed = jobs_of(remote_run, "embed")
    assert len(embed) == len(remote_run.results["shards"]) + 1
    assert [job["status"] for job in embed].count("FAILED") == 1
    (again,) = [job for job in embed if job["parameters"]["metaflow.retry_count"] == "1"]
    lost = remote_run.lost
    assert again["parameters"]["metaflow.task_id"] == lost["parameters"]["metaflow.task_id"]


def test_what_only_the_user_can_fix_is_not_tried_again(remote_run, part):
    said = remote_run.failed.stdout
    assert part.name in said  # the log came back from the job
    assert "This failed task will not be retried" in said
    failed, resumed = jobs_of(remote_run, "train")
    assert (failed["status"], resumed["status"]) == ("FAILED", "SUCCEEDED")
    for command in ("resume --origin-run-id", "batch kill --run-id"):
        assert f"{command} {remote_run.origin}" in remote_run.failed.stderr


def test_jobs_go_to_the_queues_of_the_config_with_its_wishes(remote_run):
    embed = jobs_of(remote_run, "embed")
    assert {job["jobQueue"] for job in embed} == {"evoflow-a100-p4d"}
    assert {job["jobQueue"] for job in jobs_of(remote_run, "train")} == {"evoflow-v100-p3"}
    assert jobs_of(remote_run, "extract") == []
    assert {"type": "GPU", "value": "1"} in embed[0]["container"]["resourceRequirements"]
    given = {"name": "LAB", "value": "genomics"}
    assert all(given in job["container"]["environment"] for job in embed)
    assert "LAB_TOKEN" not in str(remote_run.jobs)


def test_the_package_of_the_code_has_all_that_the_steps_use(remote_run, batch):
    (module,) = (batch.folder / remote_run.jobs[-1]["jobId"]).rglob("evo_flow.py")
    unpacked = module.parent / "evoflow"
    not_used = {".pyc", ".typed", ".md"}
    lacking = {
        file
        for path in (ROOT / "evoflow").rglob("*")
        if path.is_file() and not (unpacked / (file := path.relative_to(ROOT / "evoflow"))).exists()
    }
    assert {file for file in lacking if file.suffix not in not_used} == set()


@pytest.mark.usefixtures("remote_run")
def test_the_weights_come_from_the_hub_once_for_all_jobs(hub, s3_url):
    assert len(hub.bytes_asked) == 1
    stored = s3_client(s3_url).list_objects_v2(Bucket=BUCKET, Prefix="weights/lab/evo/")
    names = [item["Key"].split("/")[-1] for item in stored["Contents"]]
    assert names.count("model.safetensors") == 1


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
