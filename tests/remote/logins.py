"""Credential processes: logins that are renewed for a while, and then no more."""

import json
from datetime import UTC, datetime, timedelta

from evoflow.remote import aws


def key_of(minutes):
    """What a credential process writes of a key that holds for so long."""
    expires = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    key = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c", "Expiration": expires}
    return json.dumps({"Version": 1, **key})


HANGS = "exec sleep 20"
FAULTS = {
    "hangs": (HANGS, "did not answer for 1 s"),
    "fails": ("echo the token is over >&2; exit 1", "CredentialRetrievalError.*token is over"),
    "writes no JSON": ("echo hello; exit 0", "JSONDecodeError"),
    "writes a key that is over": (f"echo '{key_of(-1)}'; exit 0", "still expired"),
}
"""What a renewal does instead, in the shell's words, and what is said of it."""


def log_in_by(process, folder, monkeypatch):
    """Have AWS ask a process for its credentials, and nothing else."""
    (folder / "config").write_text(f"[default]\ncredential_process = {process}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)


def renewed_until(fault, folder, monkeypatch, *, minutes=9):
    """Log in, with one of `FAULTS` from when the returned file exists.

    botocore asks for a new key whenever it signs a request while the old one ends within 10
    minutes; from 15 minutes on it asks too, but can do without.
    """
    over, login = folder / "over", folder / "login"
    login.write_text(f"#!/bin/sh\n[ ! -e {over} ] || {{ {fault}; }}\necho '{key_of(minutes)}'\n")
    login.chmod(0o755)
    log_in_by(login, folder, monkeypatch)
    monkeypatch.setattr(aws, "LOGIN_SECONDS", 1.0)
    return over
