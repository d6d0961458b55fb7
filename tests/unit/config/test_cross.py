from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.cross import is_loopback
from edge.config.problems import ConfigProblems
from edge.config.read import parse_config
from tests.support.nodefile import SMALLEST


def faults(more: str, text: str = SMALLEST) -> dict[str, str]:
    try:
        parse_config((text + more).encode(), Path("/x/node.toml"))
    except ConfigProblems as error:
        return {problem.path: problem.text for problem in error.problems}
    return {}


@pytest.mark.parametrize("days", [19, 61, 30_0])
def test_days_outside_the_guards_bounds_are_refused_naming_them(days: int) -> None:
    text = faults(f"[retention]\ndays = {days}\nminimum_days = 19\n")["retention.days"]
    assert "20 to 60 days (profile pl-guard)" in text


@pytest.mark.parametrize(
    "table",
    [
        "days = 20\nminimum_days = 20",
        "days = 60",
        'profile = "pl-municipal"\ndays = 90',
        'profile = "custom"\nbasis = "contract 7/2026"\ndays = 7\nminimum_days = 0',
    ],
)
def test_days_within_the_bounds_are_taken(table: str) -> None:
    assert faults("[retention]\n" + table) == {}


def test_the_minimum_cannot_be_lowered_to_silence_its_alarm() -> None:
    assert "20 to 60 days" in faults("[retention]\nminimum_days = 1")["retention.minimum_days"]


def test_custom_bounds_need_a_legal_basis() -> None:
    assert "legal basis" in faults('[retention]\nprofile = "custom"\ndays = 7\nminimum_days = 1')["retention.basis"]


def test_journals_outlive_footage() -> None:
    assert "retention.journal_days" in faults("[retention]\ndays = 50\njournal_days = 40")


def test_camera_ids_and_zone_names_are_unique() -> None:
    again = '[[camera]]\nid = "cam0"\nsource = "synthetic:"\n'
    assert "camera[0]" in faults(again)["camera[1].id"]
    zone = "[[camera.zone]]\nname = 'z'\npolygon = [[0,0],[1,0],[1,1]]\n"
    assert set(faults(zone + zone)) == {"camera[0].zone[1].name"}


def test_a_zone_without_area_is_refused() -> None:
    assert "no area" in faults("[[camera.zone]]\nname = 'z'\npolygon = [[0,0],[0.5,0.5],[1,1]]")["camera[0].zone[0].polygon"]


@pytest.mark.parametrize(("more", "why"), [("", "span_m"), ("span_m = 12.0\nkind = 'exclude'", "excluded")])
def test_a_least_length_that_cannot_be_meant_is_refused(more: str, why: str) -> None:
    found = faults(f"[[camera.zone]]\nname = 'z'\npolygon = [[0,0],[1,0],[1,1]]\nleast_m = 0.5\n{more}")
    assert why in found["camera[0].zone[0].least_m"]


@pytest.mark.parametrize(
    "source", ["", "synthetic", "rtmp://h/x", "file:", "v4l2:video0", "rtsp:///x", "rtsp://h:99999/x", "rtsp://u:p@h/x"]
)
def test_a_source_of_no_known_form_is_refused(source: str) -> None:
    assert set(faults("", SMALLEST.replace("synthetic:", source))) == {"camera[0].source"}


def test_a_password_in_a_source_is_not_repeated_in_the_message() -> None:
    text = faults("", SMALLEST.replace("synthetic:", "rtsp://user:geheim@h/x"))["camera[0].source"]
    assert "geheim" not in text


@pytest.mark.parametrize(
    "source", ["synthetic:", "synthetic:street", "file:a b.mp4", "rtsp://10.0.0.7:554/main", "rtsps://cam/x", "v4l2:/dev/video0"]
)
def test_known_sources_are_taken(source: str) -> None:
    assert faults("", SMALLEST.replace("synthetic:", source)) == {}


def test_only_a_network_camera_has_a_second_stream_and_a_password() -> None:
    assert set(faults('luma_source = "rtsp://h/sub"\nsecrets = "cam.txt"')) == {"camera[0].luma_source", "camera[0].secrets"}
    network = SMALLEST.replace("synthetic:", "rtsp://h/main")
    assert faults('luma_source = "rtsp://h/sub"\nsecrets = "cam.txt"', network) == {}
    assert set(faults('luma_source = "file:x"', network)) == {"camera[0].luma_source"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "LocalHost"])
def test_plain_text_stays_on_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert faults(f'[mqtt]\nhost = "{host}"\ntls = false') == {}


@pytest.mark.parametrize("host", ["broker.example", "10.0.0.1", "0.0.0.0", "localhost.example", "127.0.0.1.example"])
def test_plain_text_to_any_other_machine_is_refused(host: str) -> None:
    assert not is_loopback(host)
    assert set(faults(f'[mqtt]\nhost = "{host}"\ntls = false')) == {"mqtt.tls"}
    assert set(faults(f'[upload]\nurl = "http://{host}/files/"')) == {"upload.url"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1080/files/", "http://[::1]/files", "https://centre.example/files/"])
def test_upload_addresses_are_taken(url: str) -> None:
    assert faults(f'[upload]\nurl = "{url}"') == {}


@pytest.mark.parametrize(
    "url", ["https://", "https://u:p@centre.example/", "https://[::1/", "https://h:port/", "ftp://h/", "https://h/\u017c", "https://h/a b"]
)
def test_upload_addresses_of_no_use_are_refused(url: str) -> None:
    assert set(faults(f'[upload]\nurl = "{url}"')) == {"upload.url"}


def test_certificate_and_key_come_together() -> None:
    assert set(faults('[mqtt]\nhost = "h"\ncertificate = "c.pem"')) == {"mqtt.certificate"}
    assert set(faults('[upload]\nurl = "https://h/"\nkey = "k.pem"')) == {"upload.key"}


def test_a_password_needs_a_user() -> None:
    assert set(faults('[mqtt]\nhost = "h"\npassword_file = "p"')) == {"mqtt.password_file"}


def test_an_unknown_time_zone_is_refused() -> None:
    assert set(faults("", SMALLEST.replace('data = "data"', 'data = "data"\ntimezone = "Europe/Warsow"'))) == {"node.timezone"}
    assert set(faults("", SMALLEST.replace('data = "data"', 'data = "data"\ntimezone = "../etc/passwd"'))) == {"node.timezone"}


def test_cross_checks_go_on_beside_wrong_values() -> None:
    found = faults('fps = "fast"\n[[camera]]\nid = "cam0"\nsource = 7\n')
    assert set(found) == {"camera[0].fps", "camera[1].id", "camera[1].source"}


@pytest.mark.parametrize(
    ("table", "missing"),
    [
        ("", {"seal.key"}),
        ('key = "seal.key"', set()),
        ('signer = "pkcs11"', {"seal.pkcs11_module", "seal.pkcs11_token", "seal.pkcs11_label", "seal.pin_file"}),
        ('signer = "rpifwcrypto"', set()),
    ],
)
def test_a_signer_is_told_where_its_key_is(table: str, missing: set[str]) -> None:
    assert set(faults(f'[seal]\ncertificate = "seal.pem"\n{table}\n')) == missing


UPLOAD = '[upload]\nurl = "https://h/"\n'


@pytest.mark.parametrize("hours", ['["22:00-06:00"]', '["00:00-23:59"]', '["06:00-09:00", "22:00-24:00"]', "[]"])
def test_quiet_hours_that_leave_time_for_uploads_are_taken(hours: str) -> None:
    assert faults(f"{UPLOAD}quiet_hours = {hours}") == {}


@pytest.mark.parametrize("hours", ['["00:00-24:00"]', '["06:00-06:00"]', '["06:00-18:00", "17:00-06:00"]'])
def test_quiet_hours_that_leave_none_are_refused(hours: str) -> None:
    assert set(faults(f"{UPLOAD}quiet_hours = {hours}")) == {"upload.quiet_hours"}


def test_a_daily_budget_needs_a_link_that_is_metered() -> None:
    assert set(faults(f"{UPLOAD}daily_mb = 5")) == {"upload.daily_mb"}
    assert set(faults(f"{UPLOAD}metered = false\ndaily_mb = 5")) == {"upload.daily_mb"}
    assert faults(f"{UPLOAD}metered = true\ndaily_mb = 5") == {}
    assert faults(f"{UPLOAD}metered = true") == {}


@pytest.mark.parametrize(
    "url", ["https://media.town.pl/whip/{node}/{camera}", "http://127.0.0.1/whip", "srt://127.0.0.1:9000", "rtsps://h/x"]
)
def test_a_live_picture_goes_where_it_cannot_be_read_on_the_way(url: str) -> None:
    assert faults(f'[live]\nurl = "{url}"\n') == {}


@pytest.mark.parametrize(
    "url", ["http://media.town.pl/whip", "rtsp://h/x", "srt://h:9000", "https://u:p@h/whip", "https:///whip", "ftp://h/x"]
)
def test_a_live_picture_is_not_sent_in_the_clear_nor_to_nowhere(url: str) -> None:
    assert set(faults(f'[live]\nurl = "{url}"\n')) == {"live.url"}


def test_s3_wants_a_key_and_a_region_wants_s3() -> None:
    upload = '[upload]\nurl = "https://s3.town.pl/footage"\n'
    assert faults(f'{upload}method = "s3"\ntoken_file = "key"\nregion = "eu-central-1"\n') == {}
    assert set(faults(f'{upload}method = "s3"\n')) == {"upload.token_file"}
    assert set(faults(f'{upload}region = "eu-central-1"\n')) == {"upload.region"}
    assert set(faults(f'{upload}method = "s3"\ntoken_file = "key"\nregion = "Frankfurt am Main"\n')) == {"upload.region"}
