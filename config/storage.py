"""Where the data are kept: the database, and the objects in a folder or in a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from config.secrets import HIDDEN_VALUE, read_secret
from config.section import Section

_PLACE: Final = r"^(file:///|s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[^?#]*)?$)"


class S3Settings(Section):
    """How the service of an `s3://` URL is reached; without `endpoint` it is Amazon's in `region`.

    Without an access key the credentials are those of the environment (AWS_ACCESS_KEY_ID and others) or of the machine.
    With `path_style` the bucket stands in the path of each request, else in the name of the host.
    """

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+/?$")
    region: str = Field(default="us-east-1", min_length=1)
    access_key_id: str | None = Field(default=None, min_length=1)
    secret_access_key: SecretStr | None = None
    secret_access_key_file: Path | None = None
    path_style: bool = True
    allow_http: bool = False
    ca: Path | None = None
    timeout_seconds: float = Field(default=20, ge=1, le=600)

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        if self.endpoint is not None and self.endpoint.startswith("http://") and not self.allow_http:
            raise ValueError(
                "endpoint is http://, which shows images and names to the network: use https://, or set allow_http"
            )
        has_secret = self.secret_access_key is not None or self.secret_access_key_file is not None
        if has_secret != (self.access_key_id is not None):
            raise ValueError("access_key_id and secret_access_key (or secret_access_key_file) belong together")
        return self

    def make_config(self) -> dict[str, Any]:
        """Make what the library is told. Raises ConfigurationError when the file with the secret cannot be read."""
        given: dict[str, Any] = {
            "region": self.region,
            "virtual_hosted_style_request": not self.path_style,
            "checksum_algorithm": "sha256",
        }
        if self.endpoint is not None:
            given["endpoint"] = self.endpoint
        if self.access_key_id is not None:
            secret = read_secret(
                self.secret_access_key, self.secret_access_key_file, "storage.s3.secret_access_key_file"
            )
            given |= {"access_key_id": self.access_key_id, "secret_access_key": secret}
        return given


class StorageSettings(Section):
    """Where the data are kept; None: in `node.data_dir`. With `durability` "relaxed" a power cut may lose objects.

    The password of the database stands in its URL, or in a file. Objects lie in a folder or in a bucket; of those in a
    bucket, copies lie in `cache_dir`, a folder of this machine alone, of at most `cache_mb` (MiB).
    """

    database_url: Annotated[str | None, HIDDEN_VALUE] = Field(default=None, repr=False)
    database_password_file: Path | None = None
    blobs_url: str | None = Field(default=None, pattern=_PLACE)
    durability: Literal["full", "relaxed"] = "full"
    cache_dir: Path | None = None
    cache_mb: int = Field(default=10_240, ge=64, le=1024**3)
    s3: S3Settings = S3Settings()
