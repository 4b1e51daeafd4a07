"""A workspace of Azure Quantum and how it knows us: a connection string, an access token, or a service principal.

The key is one of three. A connection string has the workspace and an API key in it. With settings TENANT and CLIENT it
is the secret of that application, for which Microsoft Entra ID gives a token. Else it is an access token itself. For
the last two the setting URL names the workspace.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec

from qmk.base.errors import QmkError
from qmk.cloud import settings
from qmk.cloud.http import Http

ENGINE = "azure"
KEY = "env:AZURE_QUANTUM_CONNECTION_STRING"
EXAMPLE = (
    "https://REGION.quantum.azure.com/subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.Quantum/workspaces/NAME"
)
LOGIN = "https://login.microsoftonline.com"
SCOPE = "https://quantum.microsoft.com/.default"
_PARTS = ("SubscriptionId", "ResourceGroupName", "WorkspaceName", "ApiKey", "QuantumEndpoint")


class Token(msgspec.Struct):
    access_token: str


def connect() -> Http:
    """HTTP to the workspace, with the account's headers."""
    key = settings.key(ENGINE, KEY)
    if "ApiKey=" in key:
        found = (part.partition("=") for part in key.split(";"))
        parts = {name: value for name, _, value in found}
        missing = [name for name in _PARTS if not parts.get(name)]
        if missing:
            text = f"the connection string of engine '{ENGINE}' lacks {', '.join(missing)}"
            raise QmkError("AUTH_FAILED", text, engine=ENGINE, help="copy it whole from the portal: Access keys")
        subscription, group, workspace, secret, endpoint = (parts[name] for name in _PARTS)
        path = f"/subscriptions/{quote(subscription)}/resourceGroups/{quote(group)}"
        path += f"/providers/Microsoft.Quantum/workspaces/{quote(workspace)}"
        url = settings.address(ENGINE, endpoint.rstrip("/") + path)
        return Http(ENGINE, url, {"x-ms-quantum-api-key": secret}, secret)
    if not settings.setting(ENGINE, "URL"):
        text = f"{settings.variable(ENGINE, 'URL')} is not set: no workspace"
        raise QmkError("INVALID_PARAMS", text, help=f"set it such as {EXAMPLE}, or use a connection string")
    url = settings.address(ENGINE, EXAMPLE)
    tenant = settings.setting(ENGINE, "TENANT")
    token = _token(tenant, settings.setting(ENGINE, "CLIENT"), key) if tenant else key
    return Http(ENGINE, url, {"Authorization": f"Bearer {token}"}, token)


def _token(tenant: str, client: str, secret: str) -> str:
    """The access token of an application (OAuth 2.0, client credentials)."""
    http = Http(ENGINE, settings.address(ENGINE, LOGIN, "LOGIN_URL"), {}, secret)
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret, "scope": SCOPE}
    path = f"/{quote(tenant, safe='')}/oauth2/v2.0/token"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return http.ask(Token, "POST", path, urlencode(form).encode(), headers=headers).access_token
