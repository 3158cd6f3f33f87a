"""`haulage notices test-mail`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from app.cli.environment import load_settings
from jobs.logs import configure_logs
from jobs.mail.messages import check_mail
from jobs.mail.smtp import SmtpServer


def send_test_mail(data_dir: Path | None) -> None:
    """Send a mail from this machine. Raises `InvalidRequest` without `SMTP_URL`, and `MailFailed`."""
    settings = load_settings(data_dir)
    configure_logs(settings.model_copy(update={"log_level": "warning", "log_format": "console"}))
    server = SmtpServer(settings)
    asyncio.run(server.send(check_mail(settings.public_url or "", datetime.now(UTC))))
    print(f"A test mail to {', '.join(server.recipients)} was accepted by {server.address}.")
