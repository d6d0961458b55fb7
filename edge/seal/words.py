"""What the verifier says, in both languages: one table. {names} are filled from a finding's facts; {count} is how often."""

from __future__ import annotations

from typing import Literal

from edge.seal.verification import Verdict

Language = Literal["pl", "en"]
LANGUAGES: tuple[Language, ...] = ("pl", "en")

VERDICTS: dict[Verdict, str] = {
    "AUTHENTIC": "AUTENTYCZNE",
    "AUTHENTIC WITH GAPS": "AUTENTYCZNE Z BRAKAMI",
    "PARTLY VERIFIED": "CZĘŚCIOWO SPRAWDZONE",
    "NOT AUTHENTIC": "NIEAUTENTYCZNE",
    "UNSIGNED": "NIEPODPISANE",
}

MEANINGS: dict[Verdict, tuple[str, str]] = {
    "AUTHENTIC": ("Every picture is as the camera signed it.", "Każdy obraz jest taki, jak podpisała go kamera."),
    "AUTHENTIC WITH GAPS": (
        "Every picture that is here is as the camera signed it; some footage is missing.",
        "Każdy obecny obraz jest taki, jak podpisała go kamera; części nagrania brakuje.",
    ),
    "PARTLY VERIFIED": (
        "Nothing here contradicts a signature; not everything is covered by one.",
        "Nic nie przeczy podpisom; nie wszystko jest nimi objęte.",
    ),
    "NOT AUTHENTIC": ("What is here is not what was signed.", "To nie jest to, co zostało podpisane."),
    "UNSIGNED": (
        "There is no signature: nothing can be said, either way.",
        "Nie ma podpisu: nie można orzec ani za, ani przeciw.",
    ),
}

REASONS: dict[str, tuple[str, str]] = {
    # the pictures
    "picture_altered": (
        "pictures that are not those that were signed: {count} (first: GOP {gop}, counter {counter})",
        "obrazy inne niż podpisane: {count} (pierwszy: GOP {gop}, licznik {counter})",
    ),
    "idr_altered": (
        "the key picture of a GOP is not the one that was signed (GOP {gop}, counter {counter})",
        "obraz kluczowy GOP jest inny niż podpisany (GOP {gop}, licznik {counter})",
    ),
    "gop_inserted": (
        "pictures were put in where the signatures leave no room (GOP {gop}, before counter {counter})",
        "wstawiono obrazy tam, gdzie podpisy nie pozostawiają miejsca (GOP {gop}, przed licznikiem {counter})",
    ),
    "order": (
        "footage is repeated, or not in the order in which it was recorded (at GOP {gop}, counter {counter})",
        "nagranie powtórzono lub zmieniono jego kolejność (przy GOP {gop}, licznik {counter})",
    ),
    "picture_unreadable": (
        "pictures that do not read: {count}; the file is damaged or changed there",
        "obrazy nieczytelne: {count}; plik jest w tym miejscu uszkodzony lub zmieniony",
    ),
    "pictures_unverifiable": ("pictures that no signature covers: {count}", "obrazy nieobjęte żadnym podpisem: {count}"),
    "last_picture_uncovered": (
        "the last picture of the file is covered by no signature: it is there to carry that of the pictures before it",
        "ostatniego obrazu w pliku nie obejmuje podpis: jest tam, aby przenieść podpis obrazów przed nim",
    ),
    "document_without_gop": (
        "a signature speaks of pictures that are not in the file, or of changed ones: which, cannot be told",
        "podpis dotyczy obrazów, których w pliku nie ma, albo zmienionych: nie można rozstrzygnąć",
    ),
    "nothing_verified": (
        "there are signatures, and none of them covers a picture of this file",
        "są podpisy, ale żaden nie obejmuje obrazu z tego pliku",
    ),
    "span_order_unknown": (
        "the file joins recordings whose order no signed time tells",
        "plik łączy nagrania, których kolejności nie określa żaden podpisany czas",
    ),
    "hidden_start_code": (
        "units that are no pictures hide picture data: another player may show something else ({count})",
        "jednostki niebędące obrazem ukrywają dane obrazu: inny odtwarzacz może pokazać co innego ({count})",
    ),
    # the signatures
    "sei_unreadable": ("signatures that do not read: {count} ({why})", "podpisy nieczytelne: {count} ({why})"),
    "signature_invalid": (
        "signatures that do not fit what they sign: {count} (first behind GOP {gop})",
        "podpisy niezgodne z podpisaną treścią: {count} (pierwszy za GOP {gop})",
    ),
    "certificate_missing": ("signatures without a certificate: {count}", "podpisy bez certyfikatu: {count}"),
    "certificate_unusable": ("the certificate cannot be used: {why}", "certyfikatu nie można użyć: {why}"),
    "other_signature": (
        "pictures proven by a trusted signature carry another maker's too, by nobody that is trusted: {count} (first: {subject})",
        "obrazy objęte zaufanym podpisem mają też podpis innego wytwórcy, za którym nikt zaufany nie stoi: {count} (pierwszy: {subject})",
    ),
    "certificate_untrusted": (
        "the certificate of {subject} is not from a trusted authority: {why}",
        "certyfikat {subject} nie pochodzi od zaufanego urzędu: {why}",
    ),
    "certificate_not_valid_then": (
        "the certificate of {subject} was not valid when this was recorded: {why}",
        "certyfikat {subject} nie był ważny w chwili nagrania: {why}",
    ),
    "certificate_of_other_node": (
        "the certificate of {subject} is that of another node than the signatures name",
        "certyfikat {subject} należy do innego węzła niż wskazany w podpisach",
    ),
    "other_camera": (
        "the file mixes cameras: {serial} and {other}",
        "plik łączy obrazy różnych kamer: {serial} i {other}",
    ),
    "other_key": (
        "the file is signed by several keys, and nobody vouches for them ({fingerprint})",
        "plik podpisano kilkoma kluczami, za które nikt nie ręczy ({fingerprint})",
    ),
    "other_certificate": (
        "another trusted certificate of the same camera signs from GOP {gop} on ({fingerprint})",
        "od GOP {gop} podpisuje inny zaufany certyfikat tej samej kamery ({fingerprint})",
    ),
    "no_trust": (
        "no trusted authority was given (--trust): who signed was not checked",
        "nie podano zaufanego urzędu (--trust): nie sprawdzono, kto podpisał",
    ),
    "validity_unknown": (
        "the signatures state no time of recording: whether the certificate was valid then was not judged",
        "podpisy nie podają czasu nagrania: nie oceniono, czy certyfikat był wtedy ważny",
    ),
    "unsigned": ("there is no signature in the pictures", "w obrazach nie ma podpisu"),
    "stream_unsigned": (
        "the pictures of {name} carry no signatures; the package vouches for the file as a whole",
        "obrazy w {name} nie zawierają podpisów; za cały plik ręczy pakiet",
    ),
    # the file around the pictures
    "parameter_sets_changed": (
        "the parameter sets were changed: the pictures are shown otherwise than recorded",
        "zmieniono zestawy parametrów: obraz jest pokazywany inaczej, niż go nagrano",
    ),
    "parameter_sets_differ": (
        "the parameter sets change within the file and no signature says so",
        "zestawy parametrów zmieniają się w pliku i żaden podpis tego nie potwierdza",
    ),
    "parameter_sets_absent": ("the file has no parameter sets to compare", "plik nie zawiera zestawów parametrów do porównania"),
    "playback_speed": (
        "the file plays at another speed than recorded: {signed_ms} ms by the signatures, {played_ms} ms in the file",
        "plik odtwarza się z inną prędkością niż nagranie: {signed_ms} ms według podpisów, {played_ms} ms w pliku",
    ),
    "shown_out_of_place": (
        "pictures are shown among those of another second than the one they were recorded in (GOP {gop})",
        "obrazy są pokazywane w innej sekundzie niż ta, w której je nagrano (GOP {gop})",
    ),
    "edit_speed": ("the edit list plays at another speed than recorded", "lista edycji zmienia prędkość odtwarzania"),
    "edit_order": (
        "the edit list plays footage again or in another order than recorded",
        "lista edycji powtarza nagranie lub zmienia jego kolejność",
    ),
    "edit_hides": ("the edit list leaves out {ms} ms in the middle", "lista edycji pomija w środku {ms} ms"),
    "hidden_by_edit": (
        "pictures at the ends of the file that players leave out where they obey its edit list: {pictures}",
        "obrazy na końcach pliku pomijane przez odtwarzacze zgodnie z listą edycji: {pictures}",
    ),
    "turned": ("the file tells players to turn or mirror the pictures", "plik nakazuje odtwarzaczom obrócić lub odbić obraz"),
    "cropped": ("the file tells players to show a part of the pictures only", "plik nakazuje odtwarzaczom pokazać tylko część obrazu"),
    "redrawn": (
        "an unsigned message in the stream tells players to turn, crop, rearrange or recolour pictures ({count} times)",
        "niepodpisany komunikat w strumieniu nakazuje odtwarzaczom obrócić, przyciąć, przestawić lub przebarwić obrazy (razy: {count})",
    ),
    "second_video_track": (
        "there are more video tracks ({tracks}), which were not verified: a player may show those",
        "są dalsze ścieżki wideo ({tracks}), których nie sprawdzono: odtwarzacz może pokazać właśnie je",
    ),
    "other_tracks": (
        "tracks without pictures (sound, data), not verified: {tracks}",
        "nie sprawdzono ścieżek bez obrazu (dźwięk, dane): {tracks}",
    ),
    "several_descriptions": (
        "the file describes its pictures in {entries} ways; only the first was read",
        "plik opisuje obrazy na {entries} sposobów; odczytano tylko pierwszy",
    ),
    "ambiguous_tables": (
        "a table that must be one stands twice in the file: which one a player obeys is its choice",
        "tabela, która ma być jedna, występuje w pliku dwukrotnie: odtwarzacz sam wybiera, której użyć",
    ),
    "pictures_behind_end": (
        "pictures behind the end of the file: {count}; it is cut off",
        "obrazy poza końcem pliku: {count}; plik jest ucięty",
    ),
    "torn_end": (
        "the file ends in the middle of something: its last {bytes} bytes are not whole",
        "plik kończy się w połowie: ostatnie {bytes} bajtów jest niepełne",
    ),
    "damaged_bytes": (
        "{bytes} bytes at {offset} are damaged and were left out",
        "uszkodzone i pominięte bajty: {bytes} od pozycji {offset}",
    ),
    "package_beside": (
        "a {name} lies beside this file: verify the folder to judge the whole package",
        "obok pliku leży {name}: sprawdź cały folder, aby ocenić pakiet",
    ),
    # the package
    "statement_unsigned": ("the package's statement is not signed", "oświadczenie pakietu nie jest podpisane"),
    "statement_signature_invalid": (
        "the signature does not fit the package's statement (clip.json): it was changed",
        "podpis nie pasuje do oświadczenia pakietu (clip.json): zostało zmienione",
    ),
    "statement_certificate_untrusted": (
        "the certificate of {subject}, which signs the package, is not trusted: {why}",
        "certyfikat {subject}, którym podpisano pakiet, nie jest zaufany: {why}",
    ),
    "statement_of_other_node": (
        "the package is signed with the certificate of another node ({subject})",
        "pakiet podpisano certyfikatem innego węzła ({subject})",
    ),
    "file_differs": ("{name} is not the file that the package's statement signs", "{name} nie jest plikiem objętym oświadczeniem pakietu"),
    "file_unreadable": ("{name} does not read as a film: {why}", "{name} nie daje się odczytać jako film: {why}"),
    "file_of_other_camera": ("{name} comes from another camera: {serial}", "{name} pochodzi z innej kamery: {serial}"),
    "file_name_leads_away": ("the statement names a file outside the package", "oświadczenie wskazuje plik poza pakietem"),
    "files_not_named": (
        "files in the folder that are not part of the package and were not verified: {count} (first: {name})",
        "pliki w folderze nienależące do pakietu i niesprawdzone: {count} (pierwszy: {name})",
    ),
    "films_not_named": (
        "films in the folder that the package's statement does not name: {count} (first: {name}); nothing speaks for them",
        "filmy w folderze, których nie wymienia oświadczenie pakietu: {count} (pierwszy: {name}); nic o nich nie świadczy",
    ),
    "journal_line_unreadable": ("line {line} of the journal {journal} does not read", "wiersz {line} dziennika {journal} jest nieczytelny"),
    "journal_chain_broken": (
        "the journal {journal} was changed: record {seq} does not follow the one before it",
        "dziennik {journal} zmieniono: wpis {seq} nie wynika z poprzedniego",
    ),
    "journal_head_differs": (
        "the checkpoint does not sign the last line of the journal {journal} (record {seq})",
        "punkt kontrolny nie podpisuje ostatniego wiersza dziennika {journal} (wpis {seq})",
    ),
    "journal_facts_unreadable": ("record {seq} of the journal is of an unknown form", "wpis {seq} dziennika ma nieznaną postać"),
    "journal_contradicts_span": ("the journal says another power-up for {file}", "dziennik podaje dla {file} inny okres pracy"),
    "journal_contradicts_parameters": (
        "the journal says other parameter sets for {file} (segment {segment})",
        "dziennik podaje dla {file} inne zestawy parametrów (segment {segment})",
    ),
    "journal_contradicts_time": ("the journal says another time for {file}", "dziennik podaje dla {file} inny czas"),
    "segments_not_in_journal": (
        "segments that the journal lines in the package do not cover: {count}",
        "wiersze dziennika w pakiecie nie obejmują segmentów: {count}",
    ),
    "checkpoint_unreadable": (
        "the checkpoint of the journal {journal} does not read: {why}",
        "punkt kontrolny dziennika {journal} jest nieczytelny: {why}",
    ),
    "checkpoint_signature_invalid": (
        "the signature does not fit the checkpoint of the journal {journal}",
        "podpis nie pasuje do punktu kontrolnego dziennika {journal}",
    ),
    "checkpoint_key_unknown": (
        "the checkpoint of the journal {journal} is signed by a key that is not in the package ({fingerprint})",
        "punkt kontrolny dziennika {journal} podpisano kluczem, którego nie ma w pakiecie ({fingerprint})",
    ),
    "checkpoint_of_other_node": (
        "the checkpoint of the journal {journal} is from another node ({node})",
        "punkt kontrolny dziennika {journal} pochodzi z innego węzła ({node})",
    ),
}
"""Code -> (English, Polish)."""
