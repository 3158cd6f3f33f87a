"""Bearer tokens of other issuers: which are accepted, and every known way to forge one."""

from __future__ import annotations

import hmac
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import OctKey, OKPKey
from pydantic import SecretStr, ValidationError

from app.access.bearer_tokens import BearerTokens, owner_of
from app.access.principals import DOWNLOAD_SCOPES, Proof, Role, Scope
from app.access.tokens import LEEWAY, MAX_TOKEN
from app.problems import InvalidToken
from jobs.settings import TokenSettings
from tests.helpers.issuers import JWKS, Clock, Issuer, ec_key, ed_key, encoded, rsa_key, running_issuer, signed

SECRET = "0123456789abcdef0123456789abcdef"
pytestmark = [pytest.mark.servers, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        running.keys = [ec_key("ec"), rsa_key("rsa"), ed_key("ed")]
        yield running


@pytest.fixture
def now() -> Clock:
    return Clock(time.time())


@pytest_asyncio.fixture(loop_scope="module")
async def tokens(issuer: Issuer, now: Clock) -> AsyncIterator[BearerTokens]:
    settings = TokenSettings(
        jwt_issuers=((issuer.url, None),),
        jwt_secret=SecretStr(SECRET),
        jwt_secret_issuer="portal",
        admin_groups=("root",),
        operator_groups=("ops",),
        support_groups=("help",),
    )
    made = BearerTokens(settings, now=now)
    yield made
    await made.close()


async def refusal(tokens: BearerTokens, token: str) -> str:
    """Why the token is refused."""
    with pytest.raises(InvalidToken) as raised:
        await tokens.principal(token)
    return raised.value.message


# --- what is accepted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "algorithm"), [(0, "ES256"), (1, "RS256"), (1, "PS256"), (2, "Ed25519"), (2, "EdDSA")]
)
async def test_each_kind_of_key_is_accepted(tokens: BearerTokens, issuer: Issuer, index: int, algorithm: str) -> None:
    principal = await tokens.principal(issuer.token(issuer.keys[index], {"alg": algorithm}))
    assert principal.owner == issuer.url.removeprefix("http://") + "|alice"


async def test_a_token_becomes_a_principal(tokens: BearerTokens, issuer: Issuer) -> None:
    claims: dict[str, Any] = {
        "jti": "t1",
        "exp": 2_000_000_000,
        "iat": 1_700_000_000,
        "groups": ["staff", "ops"],
        "scope": "openid jobs:read results:read",
    }
    principal = await tokens.principal(issuer.token(**claims))
    assert principal.role is Role.OPERATOR
    assert principal.groups == {"staff", "ops"}
    assert principal.scopes == {Scope.JOBS_READ, Scope.RESULTS_READ}
    assert (principal.proof, principal.proof_id) == (Proof.TOKEN, "t1")
    assert principal.issued_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert principal.expires_at == datetime.fromtimestamp(2_000_000_000 + LEEWAY, UTC)


@pytest.mark.parametrize(
    ("groups", "role"),
    [([], Role.USER), ("help", Role.SUPPORT), (["help", "root"], Role.ADMIN), (["ROOT", "admin"], Role.USER)],
)
async def test_groups_become_a_role(tokens: BearerTokens, issuer: Issuer, groups: object, role: Role) -> None:
    assert (await tokens.principal(issuer.token(groups=groups))).role is role


@pytest.mark.parametrize("scope", [None, "", "openid email", ["profile"]])
async def test_a_token_without_scopes_of_ours_has_those_of_a_key(
    tokens: BearerTokens, issuer: Issuer, scope: object
) -> None:
    principal = await tokens.principal(issuer.token(scope=scope))
    assert principal.scopes == DOWNLOAD_SCOPES
    assert len(principal.proof_id) == 64, "without a jti, the token's hash names it"


async def test_one_audience_of_several_suffices(tokens: BearerTokens, issuer: Issuer) -> None:
    assert await tokens.principal(issuer.token(aud=["https://other.example", "haulage"]))


async def test_an_issuer_with_a_secret(tokens: BearerTokens, issuer: Issuer) -> None:
    token = signed(OctKey.import_key(SECRET), {"alg": "HS256"}, issuer.claims(iss="portal"))
    assert (await tokens.principal(token)).owner == "portal|alice"


async def test_an_issuer_of_access_tokens_signs_no_grants(tokens: BearerTokens, issuer: Issuer) -> None:
    assert "no grants" in await refusal(tokens, issuer.token(grant={"files": [10_000]}))


async def test_subjects_of_two_issuers_are_two_owners() -> None:
    assert owner_of("https://id.example/realms/a/", "7") == "id.example/realms/a|7"
    assert owner_of("https://id.example/realms/a", "7") != owner_of("https://id.example/realms/b", "7")


@pytest.mark.parametrize(
    ("issuers", "why"),
    [
        ({"jwt_issuers": (("https://id.example", None), ("http://id.example", None))}, "same owners"),
        ({"jwt_issuers": (("https://id.example", None),), "oidc_issuer": "https://id.example/"}, "same owners"),
        ({"jwt_issuers": (("https://id.example", None),), "jwt_secret_issuer": "id.example"}, "same owners"),
        ({"jwt_secret_issuer": "app:portal"}, "jobs of apps"),
        ({"jwt_secret_issuer": "key:portal"}, "jobs of apps"),
        ({"jwt_secret_issuer": "a|b"}, "should match pattern"),
        ({"jwt_issuers": (("https://id.example", None),), "oidc_issuer": "https://id.example"}, None),
    ],
)
async def test_issuers_whose_users_would_be_the_same_owners_are_refused(
    issuers: dict[str, str], why: str | None
) -> None:
    secret = {"jwt_secret": "s" * 32} if "jwt_secret_issuer" in issuers else {}
    if why is None:
        TokenSettings.model_validate({**issuers, **secret})
    else:
        with pytest.raises(ValidationError, match=why):
            TokenSettings.model_validate({**issuers, **secret})


# --- forgeries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "", None, ["ES256"], "ES256K", "HS256", "HS512", "RS1"])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_no_signature(tokens: BearerTokens, issuer: Issuer, algorithm: object, signature: str) -> None:
    token = f"{encoded({'alg': algorithm, 'kid': 'ec'})}.{encoded(issuer.claims())}.{signature}"
    await refusal(tokens, token)


def hmac_signed(secret: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token that joserfc refuses to sign: with the text of a public key as its secret."""
    start = f"{encoded(header)}.{encoded(claims)}"
    return f"{start}.{encoded(hmac.digest(secret, start.encode(), 'sha256'))}"


async def test_hs256_with_a_public_key_as_its_secret(tokens: BearerTokens, issuer: Issuer) -> None:
    for key in issuer.keys:
        assert not isinstance(key, OctKey)
        texts = [key.as_bytes("PEM", private=False), key.as_bytes("PEM", private=False).strip()]
        for text in (*texts, key.as_bytes("DER", private=False)):
            for kid in (key.kid, None):
                header = {"alg": "HS256", **({"kid": kid} if kid else {})}
                token = hmac_signed(text, header, issuer.claims())
                assert "algorithm" in await refusal(tokens, token)
                portal = hmac_signed(text, header, issuer.claims(iss="portal"))
                assert "signature" in await refusal(tokens, portal)


async def test_a_public_key_does_not_sign_for_the_issuer_with_a_secret(tokens: BearerTokens, issuer: Issuer) -> None:
    for key in issuer.keys:
        assert "algorithm" in await refusal(tokens, issuer.token(key, iss="portal"))


async def test_the_secret_does_not_sign_for_an_issuer_with_keys(tokens: BearerTokens, issuer: Issuer) -> None:
    assert "algorithm" in await refusal(tokens, signed(OctKey.import_key(SECRET), {"alg": "HS256"}, issuer.claims()))


async def test_the_key_of_another(tokens: BearerTokens, issuer: Issuer) -> None:
    assert "signature" in await refusal(tokens, issuer.token(ec_key("ec")))
    assert "not among" in await refusal(tokens, issuer.token(rsa_key("other")))


@pytest.mark.parametrize(
    "kid",
    [
        "../../../dev/null",
        "/etc/passwd",
        "ec' OR '1'='1",
        "ec\x00",
        "EC",
        "ec ",
        "",
        "http://127.0.0.1:9/keys",
        "|id",
        "a" * 200,
        7,
        ["ec"],
        {"ec": 1},
        True,
    ],
)
async def test_a_kid_is_only_a_name(tokens: BearerTokens, issuer: Issuer, kid: object) -> None:
    head = {"alg": "ES256", "kid": kid}
    valid = issuer.token().rpartition(".")[2]
    await refusal(tokens, f"{encoded(head)}.{encoded(issuer.claims())}.{valid}")


@pytest.mark.parametrize("header", ["jku", "x5u"])
async def test_a_header_leads_to_no_other_keys(tokens: BearerTokens, issuer: Issuer, header: str) -> None:
    async with running_issuer() as attacker:
        mine = attacker.keys[0]
        token = issuer.token(mine, {header: f"{attacker.url}{JWKS}", "kid": mine.kid})
        assert "not among" in await refusal(tokens, token)
        assert "signature" in await refusal(tokens, issuer.token(mine, {header: f"{attacker.url}{JWKS}", "kid": "ec"}))
        assert attacker.requests == {}


async def test_a_key_in_the_header_is_not_used(tokens: BearerTokens, issuer: Issuer) -> None:
    mine = ec_key("mine")
    for kid in ("mine", "ec"):
        await refusal(tokens, issuer.token(mine, {"kid": kid, "jwk": mine.as_dict(private=False)}))


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": ["unknown"], "unknown": True},
        {"crit": ["b64"], "b64": False},
        {"crit": ["b64"], "b64": True},
        {"crit": []},
        {"crit": "b64"},
        {"b64": False},
    ],
)
async def test_critical_headers_are_refused(tokens: BearerTokens, issuer: Issuer, header: dict[str, Any]) -> None:
    head, payload, _ = issuer.token().split(".")
    head = encoded({"alg": "ES256", "kid": "ec", **header})
    await refusal(tokens, f"{head}.{payload}.AAAA")


async def test_a_critical_header_is_refused_with_a_true_signature(tokens: BearerTokens, issuer: Issuer) -> None:
    assert "critical" in await refusal(tokens, issuer.token(header={"crit": ["b64"], "b64": True}))


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", 7])
async def test_a_token_for_something_else(tokens: BearerTokens, issuer: Issuer, kind: object) -> None:
    await refusal(tokens, f"{encoded({'alg': 'ES256', 'kid': 'ec', 'typ': kind})}.{encoded(issuer.claims())}.AAAA")
    if isinstance(kind, str):
        assert "access token" in await refusal(tokens, issuer.token(header={"typ": kind}))


async def test_changed_claims(tokens: BearerTokens, issuer: Issuer) -> None:
    head, _, signature = issuer.token().split(".")
    assert "signature" in await refusal(tokens, f"{head}.{encoded(issuer.claims(sub='root'))}.{signature}")


async def test_a_large_token_is_not_parsed(
    tokens: BearerTokens, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr("app.access.tokens.jws.extract_compact", parsed.append)
    assert f"{MAX_TOKEN} characters" in await refusal(tokens, "a" * (1 << 20))
    assert f"{MAX_TOKEN} characters" in await refusal(tokens, issuer.token() + "A" * MAX_TOKEN)
    assert parsed == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "ä.b.c",
        "e30.e30.",
        "W10.e30.AAAA",
        "ImFsZyI.e30.AAAA",
        "bnVsbA.e30.AAAA",
        f"{encoded(['alg', 'kid'])}.{encoded({})}.AAAA",
        f"{encoded({'alg': 'ES256'})}.{encoded([])}.AAAA",
        f"{encoded({'alg': 'ES256'})}.{encoded('text')}.AAAA",
        f"{encoded({'alg': 'ES256'})}.{encoded(b'[' * 5000)}.AAAA",
        f"{encoded(b'[' * 350)}.{encoded({})}.AAAA",
        f"{encoded({'alg': 'ES256'})}.{encoded(bytes(range(128, 200)))}.AAAA",
        f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA",
        "Bearer a.b.c",
    ],
)
async def test_what_is_no_token_at_all(tokens: BearerTokens, token: str) -> None:
    await refusal(tokens, token)


# --- claims -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "other"}, "audience"),
        ({"aud": ["other", "Haulage"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": None}, "aud"),
        ({"aud": {"haulage": 1}}, "aud"),
        ({"iss": "https://other.example"}, "not trusted"),
        ({"iss": None}, "iss"),
        ({"iss": ["portal"]}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": 7}, "sub"),
        ({"sub": "a\x00b"}, "sub"),
        ({"sub": "a" * 300}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "2999999999"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"exp": 0}, "expired"),
        ({"nbf": "0"}, "nbf"),
        ({"nbf": 10**11}, "not valid yet"),
        ({"groups": [7]}, "groups"),
        ({"groups": {"root": True}}, "groups"),
        ({"scope": 7}, "scope"),
    ],
)
async def test_wrong_claims_with_a_true_signature(
    tokens: BearerTokens, issuer: Issuer, changes: dict[str, Any], why: str
) -> None:
    assert why in await refusal(tokens, issuer.token(**changes))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400"])
async def test_times_are_numbers(tokens: BearerTokens, issuer: Issuer, value: str) -> None:
    payload = f'{{"iss": "{issuer.url}", "sub": "a", "aud": "haulage", "exp": {value}}}'
    await refusal(tokens, f"{encoded({'alg': 'ES256', 'kid': 'ec'})}.{encoded(payload.encode())}.AAAA")


async def test_clocks_may_differ_a_little(tokens: BearerTokens, issuer: Issuer, now: Clock) -> None:
    token = issuer.token(nbf=int(now.now) + 20, exp=int(now.now) + 60)
    start = int(now.now)
    for moment, accepted in ((20 - LEEWAY - 1, False), (0, True), (60 + LEEWAY - 1, True), (60 + LEEWAY, False)):
        now.now = start + moment
        if accepted:
            assert await tokens.principal(token)
        else:
            await refusal(tokens, token)


async def test_an_ed448_key_is_not_accepted(tokens: BearerTokens, issuer: Issuer) -> None:
    key = OKPKey.generate_key("Ed448", {"kid": "ed"})
    await refusal(tokens, f"{encoded({'alg': 'EdDSA', 'kid': 'ed'})}.{encoded(issuer.claims())}.AAAA")
    assert key.key_type == "OKP"
