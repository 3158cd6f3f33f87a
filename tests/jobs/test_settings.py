"""Settings that could never match a request are normalised, or refused at start by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.cli.environment import settings_from
from jobs.errors import InvalidRequest
from jobs.kinds import Kind
from jobs.settings import Settings

REQUIRED = {
    "DATABASE_URL": "postgresql://haulage:hidden@127.0.0.1/haulage",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "S3_ENDPOINT": "http://127.0.0.1:9000",
    "S3_ACCESS_KEY_ID": "key",
    "S3_SECRET_ACCESS_KEY": "secret",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)


def setting(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> Any:
    """The setting with this text in the environment."""
    monkeypatch.setenv(name, text)
    settings = settings_from({})
    assert Settings(**settings.model_dump()) == settings, "a normalised setting is another one when it is read again"
    return getattr(settings, name.lower())


def refusal(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> str:
    """Why this text is refused, without the name of the setting."""
    monkeypatch.setenv(name, text)
    with pytest.raises(InvalidRequest) as raised:
        settings_from({})
    head, _, reason = raised.value.message.removeprefix("Settings: ").partition(": ")
    assert head == name
    return reason


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ALLOWED_HOSTS", "Site.Example:8080", ("site.example",)),
        ("ALLOWED_HOSTS", "a.example.,b_c", ("a.example", "b_c")),
        ("ALLOWED_HOSTS", "a.example b.example\n  c.example", ("a.example", "b.example", "c.example")),
        ("ALLOWED_HOSTS", "::1,[0:0::1]:80,10.0.0.1", ("[::1]", "10.0.0.1")),
        ("ALLOWED_HOSTS", "*.Site.example", ("*.site.example",)),
        ("ALLOWED_HOSTS", "a.example,*", ("*",)),
        ("CORS_ORIGINS", "https://a.example/", ("https://a.example",)),
        ("CORS_ORIGINS", "HTTPS://A.Example:443/ http://b:80", ("https://a.example", "http://b")),
        ("CORS_ORIGINS", "http://a.example:443", ("http://a.example:443",)),
        ("CORS_ORIGINS", "https://*.a.example", ("https://*.a.example",)),
        (
            "CORS_ORIGINS",
            "capacitor://localhost,chrome-extension://abc",
            ("capacitor://localhost", "chrome-extension://abc"),
        ),
        ("CORS_ORIGINS", " ", ()),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1 ,[fd00::]", ("10.0.0.0/8", "::1", "fd00::")),
        ("TRUSTED_PROXIES", "10.0.0.1,*", ("*",)),
        ("HOST", "::", ("::",)),
        ("HOST", "[::1],127.0.0.1", ("::1", "127.0.0.1")),
        ("S3_ENDPOINT", "https://Store.example:443/", "https://store.example"),
        ("S3_ENDPOINT", "http://minio_1:9000//\n", "http://minio_1:9000"),
        ("CLAMD_URL", "unix:///run/clamav/clamd.ctl", "unix:///run/clamav/clamd.ctl"),
        ("CLAMD_URL", "tcp://Scanner.example/", "tcp://scanner.example:3310"),
        ("CLAMD_URL", "TCP://[0::1]:3311", "tcp://[::1]:3311"),
        ("S3_PUBLIC_ENDPOINT", "http://[::1]:80", "http://[::1]"),
        ("S3_PUBLIC_ENDPOINT", "", None),
        ("S3_BUCKET_NAME", " my.bucket-1\r\n", "my.bucket-1"),
        ("S3_ACCESS_KEY_ID", "\ufeffkey\n", "key"),
        ("S3_SECRET_ACCESS_KEY", "it's a \"secret\n", SecretStr("it's a \"secret")),
        ("PUBLIC_URL", "HTTPS://Site.example:443/haulage/", "https://site.example/haulage"),
        ("PUBLIC_URL", "http://site.example:8080/", "http://site.example:8080"),
        ("ROOT_PATH", "a/b/", "/a/b"),
        ("ROOT_PATH", "/", ""),
        ("MAIL_FROM", "Haulage+a@Site.example", "Haulage+a@site.example"),
        ("MAIL_TO", "a@b.example, c.d@e.example\n", ("a@b.example", "c.d@e.example")),
        ("LOG_LEVEL", "INFO", "info"),
        ("JOB_TIMEOUT", " 130\n", 130.0),
        ("S3_FORCE_PATH_STYLE", "False ", False),
    ],
)
def test_a_setting_is_normalised(monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: object) -> None:
    assert setting(monkeypatch, name, text) == expected


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("ALLOWED_HOSTS", "https://a.example", "'https://a.example' is a URL, but a host name is needed"),
        (
            "ALLOWED_HOSTS",
            ".a.example",
            "'.a.example' must be *.a.example for the names below it, and a.example for itself",
        ),
        ("ALLOWED_HOSTS", "a*.example", "'a*.example' has a wildcard that is not a whole name in front"),
        ("ALLOWED_HOSTS", "bücher.example", "'bücher.example' must be written in Punycode"),
        ("ALLOWED_HOSTS", "a.example:http", "'a.example:http' is not a host name or IP address"),
        ("ALLOWED_HOSTS", "[::g]", "'[::g]' is not an IPv6 address"),
        ("CORS_ORIGINS", "https://a.example/app", "'https://a.example/app' has a path"),
        ("CORS_ORIGINS", "a.example", "'a.example' has no scheme, as in https://site.example"),
        ("CORS_ORIGINS", "null", "'null' has no scheme"),
        ("CORS_ORIGINS", "https://a.example:99999", "'a.example:99999' is not a host name or IP address"),
        ("TRUSTED_PROXIES", "nginx", "'nginx' is neither an IP address nor a network like 10.0.0.0/8"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "'10.0.0.1/8' is neither the network 10.0.0.0/8 nor a single address"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.1", "'::ffff:10.0.0.1' must be written as an IPv4 address"),
        ("HOST", "0.0.0.0:80", "'0.0.0.0:80' has a port, which belongs into PORT"),
        ("HOST", "http://0.0.0.0", "'http://0.0.0.0' is not a host name"),
        ("HOST", ",", "must not be empty"),
        ("S3_ENDPOINT", "minio:9000", "must be a URL that starts with http:// or https://"),
        ("S3_ENDPOINT", "http://user:hid/den@minio", "must be a URL without user, query and fragment"),
        ("CLAMD_URL", "/run/clamav/clamd.ctl", "must be like unix:///run/clamav/clamd.ctl or tcp://host:3310"),
        ("CLAMD_URL", "unix://run/clamd.ctl", "must have three slashes and an absolute path"),
        ("CLAMD_URL", "unix:///", "must have three slashes and an absolute path"),
        ("CLAMD_URL", f"unix:///{'a' * 107}", "the path of a socket must not exceed 107 bytes"),
        ("CLAMD_URL", "unix:///run/a%20b", "must be without user, query, fragment and percent signs"),
        ("CLAMD_URL", "tcp://user:hid/den@host", "must be without user, query, fragment and percent signs"),
        ("CLAMD_URL", "tcp://host:3310/path", "must be only tcp://, a host and a port"),
        ("CLAMD_URL", "tcp://a_b c", "'a_b c' is not a host name or IP address"),
        ("S3_ENDPOINT", "https://store.example/storage/v1/s3", "must be only a scheme, a host and a port"),
        ("S3_BUCKET_NAME", "My_Bucket", "must have 3 to 63 lower-case letters"),
        ("S3_BUCKET_NAME", "a..b", "must have 3 to 63 lower-case letters"),
        ("S3_BUCKET_NAME", "192.168.1.1", "must not look like an IP address"),
        ("S3_BUCKET_NAME", '"haulage"', "is in quotes"),
        ("S3_SECRET_ACCESS_KEY", "'hidden'", "is in quotes"),
        ("S3_SECRET_ACCESS_KEY", "hid\nden", "contains a control character, such as a line break"),
        ("S3_REGION", "  ", "is blank"),
        ("S3_KEY_TEMPLATE", "/{file_id}", "must not start or end with a slash"),
        ("S3_KEY_TEMPLATE", "a/../{file_id}", "must not start or end with a slash"),
        ("REDIS_URL", "redis://:hidden@127.0.0.1/haulage", "must end with the number of a database"),
        ("PUBLIC_URL", "site.example", "must be a URL that starts with http:// or https://"),
        ("PUBLIC_URL", "https://site.example/a b", "the path '/a b' may only have letters, digits and -._~"),
        ("ROOT_PATH", "/a/../b", "the path '/a/../b' may only have"),
        ("ROOT_PATH", "https://site.example/a", "the path 'https://site.example/a' may only have"),
        ("SMTP_URL", "mail.example:587", "must be like smtp://user:password@mail.example:587"),
        ("SMTP_URL", "http://mail.example", "must be like smtp://user:password@mail.example:587"),
        ("SMTP_URL", "smtp://user:hid/den@mail.example", "must be like smtp://user:password@mail.example:587"),
        ("SMTP_URL", "smtp://hidden@mail.example", "must have a user and a password before the @"),
        ("SMTP_URL", "smtp://user:hid[den@mail.example", "must have every character of user and password"),
        ("SMTP_URL", "smtp://user:hid\u2100den@mail.example", "must have every character of user and password"),
        ("SMTP_URL", "smtp://user:hid%zzden@mail.example", "must have every character of user and password"),
        ("SMTP_URL", "smtp://user:hidden@mail.example:smtp", "must have a host, and a port"),
        ("MAIL_FROM", "Ops <ops@site.example>", "'Ops <ops@site.example>' is not a mail address"),
        ("MAIL_FROM", "ops@site.example:25", "'ops@site.example:25' must end with a host name"),
        ("MAIL_TO", "ops@site.example,night", "'night' is not a mail address like ops@site.example"),
        ("JOB_TIMEOUT", "inf", "must be a finite number, not 'inf'"),
        ("LEASE_TTL", "nan", "must be a finite number, not 'nan'"),
        ("DRAIN_TIMEOUT", "inf", "must be a finite number, not 'inf'"),
        ("LINK_TTL", "nan", "must be a finite number, not 'nan'"),
        ("JOB_RETENTION", "1e300", "must be at most 3153600000, not '1e300'"),
        ("JOB_TIMEOUT", "10s", "must be a number, not '10s'"),
        ("JOB_TIMEOUT", "0", "must be more than 0, not '0'"),
        ("PART_SIZE", "8MiB", "must be a whole number, not '8MiB'"),
        ("PART_SIZE", str(6 << 30), "must be at most 5368709120, not '6442450944'"),
        ("PORT", "9" * 5000, "must be a whole number of fewer digits, not '999"),
        (
            "DATABASE_REPLICA_URL",
            "postgresql://hid,two/haulage",
            "must have one host, since a read must reach the server",
        ),
        ("S3_FORCE_PATH_STYLE", "maybe", "must be true or false, not 'maybe'"),
        ("S3_PART_COPY", "always", "must be 'auto' or 'never', not 'always'"),
        ("LOG_LEVEL", "loud", "must be 'debug', 'info', 'warning' or 'error', not 'loud'"),
        ("S3_CA_FILE", "/nowhere.pem", "must be the path of an existing file, not '/nowhere.pem'"),
        ("S3_KEY_TEMPLATE", "a", "must contain {file_id} once, and no other braces"),
        ("REDIS_URL", "http://:hidden@127.0.0.1/0", "must be a URL that starts with redis:// or rediss://"),
        ("REDIS_URL", ":hidden@127.0.0.1", "must be a URL: it has no scheme, such as https://"),
    ],
)
def test_a_setting_that_could_never_match_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, reason: str
) -> None:
    found = refusal(monkeypatch, name, text)
    assert found.startswith(reason)
    assert "hid" not in found


def test_the_path_of_the_public_url_and_the_root_path_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_PATH", "/haulage/")
    assert setting(monkeypatch, "PUBLIC_URL", "https://site.example/haulage") == "https://site.example/haulage"
    assert setting(monkeypatch, "PUBLIC_URL", "https://site.example") == "https://site.example"
    monkeypatch.setenv("PUBLIC_URL", "https://site.example/other")
    reason = "is /haulage, but PUBLIC_URL has the path /other: leave out ROOT_PATH"
    assert refusal(monkeypatch, "ROOT_PATH", "/haulage") == reason
    assert setting(monkeypatch, "ROOT_PATH", "/") == "/other"
    monkeypatch.delenv("ROOT_PATH")
    assert settings_from({}).root_path == "/other"


SENTINELS = {
    "REDIS_URL": "redis://:hidden@Haulage/0",
    "REDIS_SENTINELS": "Sentinel-1, [0::1]:26380,10.0.0.1:5",
    "REDIS_SENTINEL_MASTER": "haulage",
}


def test_sentinels_are_hosts_and_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", SENTINELS["REDIS_URL"])
    monkeypatch.setenv("REDIS_SENTINEL_MASTER", "haulage")
    found = setting(monkeypatch, "REDIS_SENTINELS", SENTINELS["REDIS_SENTINELS"])
    assert found == ("sentinel-1:26379", "[::1]:26380", "10.0.0.1:5")
    assert settings_from({}).redis_sentinel_addresses == (("sentinel-1", 26379), ("::1", 26380), ("10.0.0.1", 5))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"REDIS_SENTINEL_MASTER": ""}, "REDIS_SENTINELS and REDIS_SENTINEL_MASTER must be set together"),
        ({"REDIS_SENTINELS": ""}, "REDIS_SENTINELS and REDIS_SENTINEL_MASTER must be set together"),
        (
            {"REDIS_URL": "rediss://:hidden@redis.example:6380/0"},
            "the name of the master instead, as in rediss://:password@haulage/0, or remove REDIS_SENTINELS",
        ),
        ({"REDIS_URL": "redis://haulage:6380/0"}, "REDIS_URL names the server haulage:6380, but"),
        ({"REDIS_SENTINEL_USERNAME": "anna"}, "REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD"),
        (
            {"REDIS_SENTINELS": "", "REDIS_SENTINEL_MASTER": "", "REDIS_SENTINEL_PASSWORD": "hidden"},
            "REDIS_SENTINEL_USERNAME and …_PASSWORD need REDIS_SENTINELS; those of Redis are in REDIS_URL",
        ),
        ({"REDIS_SENTINELS": "redis://:hidden@a"}, "must be like sentinel-1:26379, without a scheme"),
        ({"REDIS_SENTINEL_MASTER": "two words"}, "REDIS_SENTINEL_MASTER"),
    ],
)
def test_sentinels_that_contradict_other_settings_are_refused(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], reason: str
) -> None:
    for name, text in (SENTINELS | changes).items():
        monkeypatch.setenv(name, text)
    with pytest.raises(InvalidRequest) as raised:
        settings_from({})
    assert reason in raised.value.message
    assert "hidden" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smtp://Mail.example", "smtp://mail.example:587"),
        ("smtps://ops%40a.example:p%2Fw@mail.example/", "smtps://ops%40a.example:p%2Fw@mail.example:465"),
        ("SMTP://[0::1]:25", "smtp://[::1]:25"),
    ],
)
def test_the_mail_server_has_a_port_and_all_that_mails_need(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    monkeypatch.setenv("SMTP_URL", text)
    with pytest.raises(InvalidRequest, match="SMTP_URL needs MAIL_FROM and MAIL_TO, too"):
        settings_from({})
    monkeypatch.setenv("MAIL_FROM", "haulage@site.example")
    with pytest.raises(InvalidRequest, match="SMTP_URL needs MAIL_TO, too"):
        settings_from({})
    monkeypatch.setenv("MAIL_TO", "ops@site.example")
    with pytest.raises(InvalidRequest, match="SMTP_URL needs PUBLIC_URL, which mails name and link to"):
        settings_from({})
    monkeypatch.setenv("PUBLIC_URL", "https://site.example")
    assert setting(monkeypatch, "SMTP_URL", text) == expected


def test_a_password_of_mail_is_sent_by_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"MAIL_FROM": "a@b.example", "MAIL_TO": "a@b.example", "PUBLIC_URL": "https://a.example"}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("SMTP_STARTTLS", "auto")
    monkeypatch.setenv("SMTP_URL", "smtp://user:hidden@mail.example")
    with pytest.raises(InvalidRequest, match="SMTP_STARTTLS must be required") as raised:
        settings_from({})
    assert "hidden" not in raised.value.message
    for url in ("smtp://user:hidden@127.0.0.1:25", "smtps://user:hidden@mail.example:465", "smtp://mail.example:25"):
        assert setting(monkeypatch, "SMTP_URL", url) == url


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"JOB_TIMEOUT": "inf", "CORS_ORIGINS": "a", "S3_BUCKET_NAME": "A"}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert {error["loc"][0] for error in raised.value.errors()} == {"job_timeout", "cors_origins", "s3_bucket_name"}


def test_the_documented_examples_are_taken_as_documented(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    page = (project / "docs" / "proxies.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\| `([A-Z0-9_]+)` \| `([^`]+)` \| (refused|`[^`]+`) \|$", page, re.MULTILINE)
    assert len(examples) == page.partition("| it is taken as |")[2].count("\n| `")
    for name, text, expected in examples:
        with monkeypatch.context() as patched:
            if expected == "refused":
                assert refusal(patched, name, text), (name, text)
            else:
                found = setting(patched, name, text)
                assert (",".join(found) if isinstance(found, tuple) else found) == expected.strip("`"), (name, text)


def test_plans_are_json_and_say_which_limit_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found = setting(monkeypatch, "PLANS", ' {"premium": {"jobs_per_hour": 200}, "lab": {"groups": ["lab"]}} ')
    assert (found["premium"].jobs_per_hour, found["lab"].groups) == (200, {"lab"})
    assert setting(monkeypatch, "PLANS", "") == {}
    assert refusal(monkeypatch, "PLANS", "{premium: 200}").startswith("is not JSON: ")
    assert refusal(monkeypatch, "PLANS", "[]").startswith("must be a JSON object of plans, such as ")


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        ('{"premium": {"jobs_per_hour": -1}}', "PLANS.PREMIUM.JOBS_PER_HOUR", "must be at least 0, not -1"),
        ('{"premium": {"jobs": 1}}', "PLANS.PREMIUM.JOBS", ""),
        ('{"premium": 3}', "PLANS.PREMIUM", ""),
        ('{"a plan": {}}', "PLANS", ""),
    ],
)
def test_a_wrong_limit_of_a_plan_is_named(monkeypatch: pytest.MonkeyPatch, text: str, field: str, reason: str) -> None:
    monkeypatch.setenv("PLANS", text)
    with pytest.raises(InvalidRequest) as raised:
        settings_from({})
    assert field in raised.value.message
    assert reason in raised.value.message


def test_the_kinds_of_a_worker_are_a_list_of_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert setting(monkeypatch, "WORKER_KINDS", "image, pdf,video") == (Kind.IMAGE, Kind.PDF, Kind.VIDEO)
    assert setting(monkeypatch, "WORKER_KINDS", "") == tuple(Kind)
    assert refusal(monkeypatch, "WORKER_KINDS", ",")
    monkeypatch.setenv("WORKER_KINDS", "upload,bundle")
    with pytest.raises(InvalidRequest, match=r"WORKER_KINDS\[1\]: .*'download', 'upload', 'image', 'pdf' or 'video'"):
        settings_from({})


def test_without_redis_its_address_is_neither_needed_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE", "Postgres")
    for text in ("", "nonsense", "http://127.0.0.1/haulage"):
        monkeypatch.setenv("REDIS_URL", text)
        settings = settings_from({})
        assert (settings.queue, settings.redis_url) == ("postgres", None)
    monkeypatch.delenv("REDIS_URL")
    assert settings_from({}).redis_url is None
    assert refusal(monkeypatch, "QUEUE", "rabbit") == "must be 'redis' or 'postgres', not 'rabbit'"
    monkeypatch.delenv("QUEUE")
    with pytest.raises(InvalidRequest, match="missing: REDIS_URL"):
        settings_from({})
