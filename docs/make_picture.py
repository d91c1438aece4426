"""Draw the pictures and the summary that the README and the docs show, from a finished run.

python docs/make_picture.py RUN  (123, EvoFlow/123 or latest; needs Chromium)
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from evoflow.runs import artifact, find_run, report_html

DOCS = Path(__file__).parent
WIDTH, HEIGHT = 1100, 860


def main(name):
    """Write report.png and demo_summary.txt beside this file."""
    run = find_run(name)
    summary = artifact(run, "end", "summary")
    (DOCS / "demo_summary.txt").write_text(summary + "\n", encoding="utf-8")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("no Chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        page.write_text(report_html(run), encoding="utf-8")
        subprocess.run(
            [
                browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                "--hide-scrollbars", f"--user-data-dir={folder}/profile",
                f"--window-size={WIDTH},{HEIGHT}", "--virtual-time-budget=8000",
                f"--screenshot={DOCS / 'report.png'}", page.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
    print(f"report.png and demo_summary.txt in {DOCS} are of {run.pathspec}")


if __name__ == "__main__":
    main(*sys.argv[1:])
