"""What the journals say in codes, in words for paper."""

from __future__ import annotations

from edge.messages.records import GapReason
from edge.paper.page import Language

REASONS: dict[Language, dict[GapReason, str]] = {
    "en": {
        "power": "no power, or the device was restarted",
        "crash": "the recording program ended unexpectedly",
        "stopped": "recording was switched off in order",
        "camera_stalled": "the camera sent no pictures",
        "camera_died": "the camera or its driver failed",
        "camera_unreachable": "the network camera did not answer",
        "time_jump": "the camera's time stamps jumped",
        "stream_changed": "the camera changed the form of its picture",
        "disk_slow": "the storage was too slow: pictures were dropped",
        "disk_error": "the storage refused to write",
        "damaged": "the stored data is damaged and was left out",
        "end_of_file": "the replayed file ended",
        "erased": "it was recorded, and erased under the retention rules",
        "before_first": "before recording began on this device",
        "not_yet": "not yet recorded when this was made",
        "unknown": "the reason is not known",
    },
    "pl": {
        "power": "brak zasilania lub ponowne uruchomienie urządzenia",
        "crash": "nieoczekiwane zakończenie programu rejestrującego",
        "stopped": "rejestrację wyłączono w zwykłym trybie",
        "camera_stalled": "kamera nie przesyłała obrazu",
        "camera_died": "awaria kamery lub jej sterownika",
        "camera_unreachable": "kamera sieciowa nie odpowiadała",
        "time_jump": "skok znaczników czasu kamery",
        "stream_changed": "kamera zmieniła postać obrazu",
        "disk_slow": "nośnik zbyt wolny: pominięto klatki",
        "disk_error": "nośnik odmówił zapisu",
        "damaged": "zapis jest uszkodzony i został pominięty",
        "end_of_file": "koniec odtwarzanego pliku",
        "erased": "zarejestrowano i usunięto zgodnie z zasadami przechowywania",
        "before_first": "przed rozpoczęciem rejestracji na tym urządzeniu",
        "not_yet": "w chwili sporządzenia jeszcze nie zarejestrowano",
        "unknown": "przyczyna nieznana",
    },
}
"""Why there is no footage."""

CLOCKS: dict[Language, dict[str, str]] = {
    "en": {
        "trusted": "synchronised",
        "holdover": "was synchronised since the device was started, then lost its time source",
        "untrusted": "not synchronised: the times are what the device's own clock showed",
        "dated": "not synchronised while recording; the times were found later, from the same run of the device",
    },
    "pl": {
        "trusted": "zsynchronizowany",
        "holdover": "zsynchronizowany po uruchomieniu urządzenia, później utracił źródło czasu",
        "untrusted": "niezsynchronizowany: podano wskazania własnego zegara urządzenia",
        "dated": "niezsynchronizowany podczas rejestracji; czas ustalono później, w tym samym okresie pracy urządzenia",
    },
}
"""How far a time may be believed."""
