"""A stand-in for the AWS Batch API on the loopback: each submitted job is a local process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class BatchStandIn:
    """Jobs, job definitions and queues; every queue that is asked for exists.

    Parameters
    ----------
    folder
        Each job gets a folder of its own in it, as a container would.
    container
        Environment variables of every container: what its image and its role give it.
    """

    def __init__(self, folder, container):
        self.folder = Path(folder)
        self.container = container
        self.definitions = {}
        self.jobs = {}
        self.processes = {}
        self.lock = threading.Lock()
        self.before_start = lambda _job: None
        """Called with each job before it starts; may change its command."""

    def answer(self, verb, body):
        with self.lock:
            return getattr(self, verb)(body)

    def describejobqueues(self, body):
        used = {job["jobQueue"] for job in self.jobs.values()}
        return {"jobQueues": [queue(name) for name in body.get("jobQueues", sorted(used))]}

    def describecomputeenvironments(self, body):
        resources = {"type": "EC2"}
        return {
            "computeEnvironments": [
                {"computeEnvironmentName": name, "computeResources": resources}
                for name in body["computeEnvironments"]
            ]
        }

    def describejobdefinitions(self, body):
        known = self.definitions.get(body["jobDefinitionName"])
        return {"jobDefinitions": [known] if known else []}

    def registerjobdefinition(self, body):
        name = body["jobDefinitionName"]
        arn = f"arn:aws:batch:us-east-1:123456789012:job-definition/{name}:1"
        self.definitions[name] = body | {"jobDefinitionArn": arn, "revision": 1}
        return {"jobDefinitionName": name, "jobDefinitionArn": arn, "revision": 1}

    def submitjob(self, body):
        number = f"job-{len(self.jobs)}"
        overrides = body["containerOverrides"]
        job = {
            "jobId": number,
            "jobName": body["jobName"],
            "jobQueue": body["jobQueue"],
            "status": "RUNNING",
            "createdAt": now(),
            "startedAt": now(),
            "parameters": body.get("parameters", {}),
            "container": {
                "command": overrides["command"],
                "resourceRequirements": overrides["resourceRequirements"],
                "environment": overrides["environment"],
            },
            "definition": self.definitions[body["jobDefinition"].split("/")[1].split(":")[0]],
            "timeout": body["timeout"],
        }
        self.before_start(job)
        home = self.folder / number
        home.mkdir(parents=True)
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            # What one job fetched or made, the next does not have.
            "EVOFLOW_CACHE": str(home / "cache"),
            **self.container,
            **{item["name"]: item["value"] for item in overrides["environment"]},
            "AWS_BATCH_JOB_ID": number,
            "AWS_BATCH_JOB_ATTEMPT": "1",
            "AWS_BATCH_CE_NAME": "stand-in",
            "AWS_BATCH_JQ_NAME": body["jobQueue"],
            "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
            "ECS_CONTAINER_METADATA_URI_V4": "http://127.0.0.1:9/none",
        }
        with (home / "log").open("wb") as log:
            self.processes[number] = subprocess.Popen(
                job["container"]["command"],
                cwd=home,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.jobs[number] = job
        return {"jobId": number, "jobName": body["jobName"]}

    def describejobs(self, body):
        return {"jobs": [self.look(number) for number in body["jobs"]]}

    def listjobs(self, body):
        jobs = [self.look(number) for number in self.jobs]
        return {
            "jobSummaryList": [
                {"jobId": job["jobId"], "jobName": job["jobName"]}
                for job in jobs
                if job["status"] == body["jobStatus"] and job["jobQueue"] == body["jobQueue"]
            ]
        }

    def terminatejob(self, body):
        self.stop(body["jobId"])
        return {}

    def look(self, number):
        """The job as Batch describes it, after a look at its process."""
        job, code = self.jobs[number], self.processes[number].poll()
        if code is not None and "stoppedAt" not in job:
            job["stoppedAt"] = now()
            job["status"] = "SUCCEEDED" if code == 0 else "FAILED"
            job["container"]["exitCode"] = code
            if code < 0:
                job["statusReason"] = "Host EC2 (instance i-0) terminated."
        return {key: job[key] for key in job if key != "definition"}

    def stop(self, number):
        """End a job with all its processes, as the loss of its instance does."""
        if self.processes[number].poll() is None:
            os.killpg(self.processes[number].pid, signal.SIGKILL)
            self.processes[number].wait()


def queue(name):
    return {
        "jobQueueName": name,
        "state": "ENABLED",
        "status": "VALID",
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": name}],
    }


def now():
    return int(time.time() * 1000)


@contextmanager
def serve(stand_in):
    """Answer HTTP on a free port of the loopback; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            answer = json.dumps(stand_in.answer(self.path.split("/")[-1], body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        for number in stand_in.processes:
            stand_in.stop(number)
        server.shutdown()
        thread.join()
        server.server_close()
