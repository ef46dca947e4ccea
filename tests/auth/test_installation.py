"""The configuration file and the state folder."""

from pathlib import Path

import pytest

from auth.installation import ConfigError, check_rights, is_demo, load_installation, mark_demo

GOOD = """\
state: state
torwart:
  url: http://torwart.localhost:8401
crm:
  url: http://crm.localhost:8400
  upstream: http://127.0.0.1:8000
"""


def _file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "torwart.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _faults(tmp_path: Path, text: str | bytes) -> list[str]:
    path = _file(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        load_installation(path)
    assert all(error.startswith(f"{path}") for error in told.value.errors)
    return [error.removeprefix(f"{path}:") for error in told.value.errors]


def test_addresses_have_one_spelling(tmp_path: Path) -> None:
    for name in ("t.pem", "t.key", "c.pem", "c.key"):
        (tmp_path / name).touch()
    installation, sections = load_installation(
        _file(
            tmp_path,
            """\
state: /var/lib/torwart
language: en
names: pseudonyms
torwart: {url: "HTTPS://Torwart.Firma.Example:443/", certificate: t.pem, key: t.key}
crm: {url: "https://crm.firma.example:8443", certificate: c.pem, key: c.key}
""",
        )
    )
    assert installation.origin == "https://torwart.firma.example"
    assert installation.rp_id == "torwart.firma.example"
    assert installation.crm_origin == "https://crm.firma.example:8443"
    assert installation.state == Path("/var/lib/torwart")
    assert sections["crm"]["certificate"] == str(tmp_path / "c.pem")


def test_all_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    faults = _faults(
        tmp_path,
        "sate: state\nlanguage: fr\nnames: all\n"
        "torwart:\n  url: http://192.168.1.5:8401\n"
        "crm:\n  url: http://crm.firma.example\nmail: yes\n",
    )
    assert [fault.split(":")[0] for fault in faults] == ["1", "1", "2", "3", "5", "6", "6", "7", "8"]
    assert any("did you mean state?" in fault for fault in faults)


@pytest.mark.parametrize("address", ["192.168.1.5", "[::1]", "0x7f.1", "127.1", "2130706433", "host.0x1"])
def test_keys_cannot_live_on_an_ip_address_in_any_spelling(tmp_path: Path, address: str) -> None:
    faults = _faults(tmp_path, GOOD.replace("http://torwart.localhost:8401", f"https://{address}"))
    assert any(fault.startswith("3: ") and "IP address" in fault for fault in faults)


@pytest.mark.parametrize(
    "url",
    [
        "torwart.localhost",
        "ftp://torwart.localhost",
        "http://",
        "http://torwart.localhost:99999",
        "http://user@torwart.localhost",
        "http://torwart.localhost/path",
        "http://torwart.localhost/?q",
        "http://torwart.localhost#f",
        "http://tor_wart.localhost",
        "http://-torwart.localhost",
        "http://torwart.localhost.",
        "http://törwart.localhost",
        "5",
    ],
)
def test_what_is_no_host_of_its_own_is_refused(tmp_path: Path, url: str) -> None:
    faults = _faults(tmp_path, GOOD.replace("http://torwart.localhost:8401", url))
    assert any(fault.startswith("3: torwart.url") for fault in faults)


def test_http_is_for_localhost_names_only(tmp_path: Path) -> None:
    faults = _faults(tmp_path, GOOD.replace("torwart.localhost:8401", "torwart.firma.example").replace("crm.localhost", "localhost"))
    assert sum("must be https" in fault for fault in faults) == 2


def test_other_names_need_certificate_and_key_that_exist(tmp_path: Path) -> None:
    text = GOOD.replace("http://torwart.localhost:8401", "https://torwart.firma.example\n  certificate: nothing.pem")
    faults = _faults(tmp_path, text)
    assert any(fault.startswith("4: torwart.certificate names no file") for fault in faults)
    assert any("torwart.key is missing" in fault for fault in faults)
    assert not any("crm." in fault for fault in faults)


def test_a_certificate_needs_its_key_on_localhost_too(tmp_path: Path) -> None:
    (tmp_path / "t.pem").touch()
    faults = _faults(tmp_path, GOOD.replace("8401\n", "8401\n  certificate: t.pem\n"))
    assert faults == ["2: torwart.key is missing — name the PEM file of this host's key"]


def test_the_two_hosts_are_different_and_the_crm_is_not_below_torwart(tmp_path: Path) -> None:
    assert any("same host" in fault for fault in _faults(tmp_path, GOOD.replace("crm.localhost", "torwart.localhost")))
    assert any("below Torwart's host" in fault for fault in _faults(tmp_path, GOOD.replace("crm.localhost", "crm.torwart.localhost")))
    load_installation(_file(tmp_path, GOOD.replace("torwart.localhost", "torwart.crm.localhost")))


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="torwart init"):
        load_installation(tmp_path / "nothing.yaml")


def test_a_state_folder_of_ours_alone_is_accepted(tmp_path: Path) -> None:
    state = tmp_path / "state"
    check_rights(state)
    assert state.stat().st_mode & 0o777 == 0o700
    (state / "keys").mkdir(mode=0o700)
    (state / "keys" / "pseudonym.key").touch(mode=0o600)
    check_rights(state)


def test_open_rights_are_refused_with_the_command_to_type(tmp_path: Path) -> None:
    state = tmp_path / "state"
    check_rights(state)
    (state / "torwart.db").touch()
    (state / "torwart.db").chmod(0o640)
    (state / "log").mkdir()
    (state / "log").chmod(0o701)
    (state / "link").symlink_to("/etc/passwd")
    with pytest.raises(ConfigError) as told:
        check_rights(state)
    assert [error.rsplit(" — ")[-1] for error in told.value.errors] == [
        "move the real file here",
        f"chmod 700 {state / 'log'}",
        f"chmod 600 {state / 'torwart.db'}",
    ]


def test_an_open_state_folder_itself_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match=f"chmod 700 {tmp_path}"):
        check_rights(tmp_path)


def test_a_demo_folder_stays_one(tmp_path: Path) -> None:
    assert not is_demo(tmp_path / "state")
    mark_demo(tmp_path / "state")
    assert is_demo(tmp_path / "state")
    check_rights(tmp_path / "state")
