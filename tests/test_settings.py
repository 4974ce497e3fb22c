"""The configuration: layers, and one clear line for every mistake."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from botcore.cli.common import secrets_of
from botcore.errors import SettingsError
from botcore.settings import Settings, load_settings, shipped_config, validate


def settings(toml: str = "", *, path: Path, environ: dict[str, str] | None = None, **more: Any) -> Settings:
    path.write_text(toml, encoding="utf-8")
    return load_settings([path], environ=environ or {}, local=more.pop("local", None), **more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bot.toml"


def test_without_any_layer_the_defaults_hold(file: Path) -> None:
    found = settings(path=file)
    assert (found.http.host, found.http.port, found.engine.kind) == ("127.0.0.1", 8080, "vllm")
    assert found.store_url == "sqlite:///data/botcore.db"


def test_the_database_follows_the_data_directory(file: Path) -> None:
    assert settings('[bot]\ndata_dir = "elsewhere"', path=file).store_url == "sqlite:///elsewhere/botcore.db"


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_data_directory_is_refused_and_a_dot_is_the_current_one(file: Path, empty: str) -> None:
    told = r'bot\.data_dir: name a folder; "\." is the current one'
    with pytest.raises(SettingsError, match=f"^command line: {told}"):
        settings(path=file, flags={"bot.data_dir": empty})
    with pytest.raises(SettingsError, match=f"^{file}: {told}"):
        settings(f"[bot]\ndata_dir = '{empty}'", path=file)
    assert settings("[bot]\ndata_dir = '.'", path=file).bot.data_dir == Path()


def test_each_layer_wins_over_the_one_before(file: Path, tmp_path: Path) -> None:
    toml, local = "[http]\nport = 1\nhost = 'a'\nbody_limit = 4096", tmp_path / "local.toml"
    local.write_text("[http]\nport = 2\nhost = 'b'")
    found = settings(toml, path=file, local=local, environ={"BOTCORE_HTTP__PORT": "3"})
    assert (found.http.port, found.http.host, found.http.body_limit) == (3, "b", 4096)
    flagged = settings(toml, path=file, environ={"BOTCORE_HTTP__PORT": "3"}, flags={"http.port": 4})
    assert flagged.http.port == 4


def test_every_value_knows_where_it_came_from(file: Path) -> None:
    found = settings("[http]\nport = 1", path=file, environ={"BOTCORE_ENGINE__MODEL": "m"})
    assert found.origins["http.port"] == str(file)
    assert found.origins["engine.model"] == "BOTCORE_ENGINE__MODEL"


def test_a_variable_alone_enables_a_channel(file: Path) -> None:
    found = settings(path=file, environ={"BOTCORE_CHANNELS__TELEGRAM__TOKEN": "123:abc"})
    assert found.channels == {"telegram": {"token": "123:abc"}}


def test_a_later_layer_can_disable_a_plugin(file: Path) -> None:
    toml = "[plugins.qa]\n[plugins.memory]"
    found = settings(toml, path=file, environ={"BOTCORE_PLUGINS__QA__ENABLED": "false"})
    assert list(found.plugins) == ["memory"]


def test_plugins_keep_the_order_of_the_file(file: Path) -> None:
    assert list(settings("[plugins.b]\n[plugins.a]\n[plugins.c]", path=file).plugins) == ["b", "a", "c"]


def test_plugins_that_a_later_layer_adds_are_asked_first(file: Path, tmp_path: Path) -> None:
    local = tmp_path / "local.toml"
    local.write_text("[plugins.textgen]\ntemperature = 0.1\n[plugins.b]\n[plugins.a]")
    environ = {"BOTCORE_PLUGINS__C__ENABLED": "true"}
    found = settings("[plugins.qa]\n[plugins.textgen]", path=file, local=local, environ=environ)
    assert list(found.plugins) == ["c", "b", "a", "qa", "textgen"]


def test_lists_in_variables_are_written_as_in_toml(file: Path) -> None:
    assert settings(path=file, environ={"BOTCORE_ENGINE__ARGS": '["--a", "1"]'}).engine.args == ("--a", "1")


def test_there_is_no_encoder_until_one_is_named(file: Path) -> None:
    assert settings(path=file).encoder.kind == "off"
    found = settings("[encoder]\nkind = 'vllm'\nmodel = 'owner/bert'", path=file).encoder
    assert (found.kind, found.model, found.passage_prefix) == ("vllm", "owner/bert", "")


def test_the_encoders_key_is_a_secret(file: Path) -> None:
    environ = {"BOTCORE_ENCODER__API_KEY": "very-secret"}
    assert "very-secret" in secrets_of(settings(path=file, environ=environ))


def test_a_secret_may_live_in_a_file(file: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("very secret\n")
    found = settings(path=file, environ={"BOTCORE_HTTP__KEY_FILE": str(tmp_path / "key")})
    assert found.http.key.get_secret_value() == "very secret"


def test_a_key_that_is_soon_guessed_is_refused_with_a_way_to_a_better_one(file: Path) -> None:
    assert settings(path=file, environ={"BOTCORE_HTTP__KEY": ""}).http.key.get_secret_value() == ""
    assert settings(path=file, environ={"BOTCORE_HTTP__KEY": "hunter22"}).http.key.get_secret_value() == "hunter22"
    told = r"^BOTCORE_HTTP__KEY: http\.key: it is soon guessed; take at least 8 characters, .*openssl rand -hex 16$"
    with pytest.raises(SettingsError, match=told) as refused:
        settings(path=file, environ={"BOTCORE_HTTP__KEY": "hunter2"})
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize(
    ("toml", "environ", "told"),
    [
        ("[engine]\nmodle = 'x'", {}, '[engine] has no key "modle"; did you mean "model"?'),
        ("[enigne]\nmodel = 'x'", {}, 'there is no table [enigne]; did you mean "engine"?'),
        ("[http]\nport = 'many'", {}, "http.port: input should be a valid integer"),
        ("[http]\nallowed_hosts = 'x'", {}, 'http.allowed_hosts is a list; write ["…"], also for one'),
        ("[http]\nport = 70000", {}, "http.port: input should be less than or equal to 65535, not 70000"),
        ("[http\nport = 1", {}, "not valid TOML"),
        ("port = 1", {}, '"port" stands in no table; write [http] above it'),
        ("prot = 1", {}, "there is no table [prot]"),
        ("http = 3", {}, "[http] must be a table, not 3"),
        ("[plugins]\nqa = true", {}, "plugins.qa must be a table, [plugins.qa]"),
        ("", {"BOTCORE_HTTP_PORT": "1"}, "write two underscores between table and key: BOTCORE_HTTP__PORT"),
        ("", {"BOTCORE_HTTP__PROT": "1"}, 'BOTCORE_HTTP__PROT: [http] has no key "prot"; did you mean "port"?'),
        ("", {"BOTCORE_HTTP__KEY_FILE": "/no/such"}, "BOTCORE_HTTP__KEY_FILE: cannot read /no/such"),
        ("[encoder]\nkind = 'bert'", {}, "encoder.kind: input should be 'off', 'vllm' or 'openai', not 'bert'"),
        ("[encoder]\nmodel = 'owner/bert'", {}, 'encoder: say which kind: "vllm" (a model on this computer), "openai"'),
        ("[encoder]\nkind = 'vllm'", {}, 'encoder: kind = "vllm" needs encoder.model, such as sentence-transformers/'),
        ("[encoder]\nkind = 'openai'", {}, 'encoder: kind = "openai" needs encoder.base_url, such as http://'),
        ("", {"BOTCORE_ENCODER__TIMEOUT_S": "0"}, "encoder.timeout_s: input should be greater than 0, not '0'"),
        ("[plugins.qa]\nenabled = 'perhaps'", {}, "plugins.qa.enabled: input should be a valid boolean"),
    ],
)
def test_a_mistake_is_one_line_that_names_place_and_remedy(
    file: Path, toml: str, environ: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        settings(toml, path=file, environ=environ)
    message = str(raised.value)
    assert told in message
    assert "\n" not in message.replace("not valid TOML", "")
    assert next(iter(environ), str(file)) in message


def test_a_list_with_too_many_entries_is_told_how_many_it_takes() -> None:
    class Page(BaseModel):
        samples: tuple[str, ...] = Field(default=(), max_length=6)

    with pytest.raises(SettingsError, match=r"^bot\.toml: channels\.web\.samples takes at most 6 entries, not 7$"):
        validate(Page, {"samples": ["?"] * 7}, "channels.web", {"channels.web.samples": "bot.toml"})


def test_a_variable_that_begins_like_a_table_and_names_none_of_its_keys_is_somebody_elses(file: Path) -> None:
    assert settings(path=file, environ={"BOTCORE_STORE_BACKUP_PATH": "/backups"}).origins == {}


def test_a_mistake_in_a_flag_is_one_of_the_command_line(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"^command line: http\.port: input should be less .* not 99999$"):
        settings(path=file, flags={"http.port": 99999})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml: no such file"):
        load_settings([tmp_path / "gone.toml"], environ={}, local=None)


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid")
    token: SecretStr
    limit: int = 3


def test_a_missing_secret_names_its_variable() -> None:
    with pytest.raises(SettingsError, match=r"channels\.telegram\.token is missing.*BOTCORE_CHANNELS__TELEGRAM__TOKEN"):
        validate(Example, {}, "channels.telegram", {})


def test_a_wrong_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError) as raised:
        validate(Example, {"token": 12345678}, "channels.telegram", {})
    assert "12345678" not in str(raised.value)


class Pair(BaseModel):
    user: str
    token: str

    @model_validator(mode="after")
    def _both(self) -> "Pair":
        raise ValueError("user and token do not belong together")


def test_a_rule_about_several_keys_shows_none_of_their_values() -> None:
    with pytest.raises(SettingsError, match="user and token do not belong together") as wrong:
        validate(Pair, {"user": "ann", "token": "hunter2"}, "channels.telegram", {})
    assert "hunter2" not in str(wrong.value)


def test_the_shipped_configuration_loads() -> None:
    assert load_settings([shipped_config()], environ={}, local=None).channels == {"web": {}}
