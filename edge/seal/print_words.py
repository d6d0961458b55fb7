"""The other words of a print-out: headings, gaps, what is not proven. (English, Polish) throughout."""

from __future__ import annotations

GAPS: dict[str, tuple[str, str]] = {
    "gops_missing": ("GOPs (about a second each) missing: {gops}", "brakuje GOP (po ok. 1 s): {gops}"),
    "pictures_missing": ("pictures missing: {pictures}", "brakuje obrazów: {pictures}"),
    "other_span": ("two recordings; nothing signed in between", "dwa nagrania; pomiędzy nimi nic nie podpisano"),
    "time_hole": ("the signed times jump forward", "podpisany czas przeskakuje do przodu"),
    "clock_set_back": ("the node's clock was set back", "zegar węzła cofnięto"),
    "declared": ("stated by the package", "podany w pakiecie"),
    "undeclared": ("asked for, not delivered and not explained", "zażądano, nie wydano i nie wyjaśniono"),
    "file_missing": (
        "{file} is named by the package and not there (pictures: {pictures})",
        "{file}: wymieniony w pakiecie, brak pliku (obrazów: {pictures})",
    ),
}
GAP_REASONS: dict[str, tuple[str, str]] = {
    "power": ("power was cut", "brak zasilania"),
    "crash": ("the recorder failed", "awaria rejestratora"),
    "stopped": ("the recorder was stopped", "zatrzymano rejestrator"),
    "camera_stalled": ("the camera stopped sending", "kamera przestała nadawać"),
    "camera_died": ("the camera failed", "awaria kamery"),
    "camera_unreachable": ("the camera could not be reached", "kamera nieosiągalna"),
    "time_jump": ("the camera's clock jumped", "skok zegara kamery"),
    "stream_changed": ("the stream changed its form", "zmiana postaci strumienia"),
    "disk_slow": ("the disk was too slow", "zbyt wolny dysk"),
    "disk_error": ("the disk failed", "błąd dysku"),
    "damaged": ("damaged on disk", "uszkodzone na dysku"),
    "end_of_file": ("the played file ended", "koniec odtwarzanego pliku"),
    "erased": ("erased by retention", "usunięte po okresie przechowywania"),
    "before_first": ("before the first footage", "przed pierwszym nagraniem"),
    "not_yet": ("not recorded yet", "jeszcze nie nagrane"),
    "unknown": ("unknown", "nieznana"),
}
NOT_PROVEN: dict[str, tuple[str, str]] = {
    "scene": (
        "that what the camera saw was not staged, nor its lens covered",
        "że to, co widziała kamera, nie było zainscenizowane ani zasłonięte",
    ),
    "completeness": (
        "that nothing was cut off before the first or behind the last picture (a clip package says that)",
        "że niczego nie ucięto przed pierwszym ani za ostatnim obrazem (mówi o tym pakiet)",
    ),
    "clock": ("how exact the node's clock was (a clip package says that)", "jak dokładny był zegar węzła (mówi o tym pakiet)"),
    "parameter_sets": (
        "that the parameter sets (size, colours) are as recorded",
        "że zestawy parametrów (rozmiar, barwy) są takie jak przy nagraniu",
    ),
    "timing": ("that it plays at the speed at which it was recorded", "że odtwarza się z prędkością nagrania"),
    "picture_times": ("the time of each single picture within its second", "czas każdego pojedynczego obrazu w obrębie sekundy"),
    "hints": (
        "hints to players in the file or the stream (turning, cropping, shape, colours)",
        "wskazówki dla odtwarzaczy w pliku lub strumieniu (obrót, kadr, proporcje, barwy)",
    ),
    "closing_picture": (
        "the last picture in the file, which is not shown: it carries the signature of those before it",
        "ostatni obraz w pliku, niepokazywany: zawiera podpis poprzednich",
    ),
    "other_maker": (
        "how the recorder of another maker kept its key and its clock",
        "jak rejestrator innego producenta chronił klucz i zegar",
    ),
    "revocation": ("that the certificate was not revoked (ask the authority)", "że certyfikatu nie unieważniono (pytać urząd)"),
}
AGREEMENTS: dict[str, tuple[str, str]] = {
    "match": ("match", "zgodne"),
    "differs": ("DO NOT MATCH", "NIEZGODNE"),
    "not_signed": ("not signed", "niepodpisane"),
    "not_checked": ("could not be checked", "nie można sprawdzić"),
    "not_included": ("none here", "brak"),
}
CLOCKS: dict[str, tuple[str, str]] = {
    "trusted": ("synchronised", "zsynchronizowany"),
    "holdover": ("was synchronised, source lost", "był zsynchronizowany, źródło utracone"),
    "untrusted": ("not synchronised", "niezsynchronizowany"),
    "": ("not known", "nieznany"),
    "node": ("signed by the node's clock", "podpisany zegarem węzła"),
}
ASSURANCES: dict[str, tuple[str, str]] = {
    "file": ("key in a file", "klucz w pliku"),
    "hardware": ("key in hardware", "klucz w układzie sprzętowym"),
    "": ("not stated", "nie podano"),
}
LABELS: dict[str, tuple[str, str]] = {
    "reasons": ("Why", "Dlaczego"),
    "notes": ("Notes", "Uwagi"),
    "camera": ("Camera", "Kamera"),
    "place": ("Place", "Miejsce"),
    "signer": ("Signed by", "Podpisał"),
    "maker": ("Maker as stated", "Producent (podany)"),
    "key": ("Key", "Klucz"),
    "trusted": ("trusted", "zaufany"),
    "untrusted": ("identity not confirmed", "tożsamość niepotwierdzona"),
    "first": ("First picture", "Pierwszy obraz"),
    "last": ("Signed until", "Podpisane do"),
    "clock": ("Clock", "Zegar"),
    "error": ("error at most", "błąd najwyżej"),
    "unknown": ("not known", "nieznane"),
    "pictures": ("Pictures", "Obrazy"),
    "verified": ("verified", "sprawdzone"),
    "by_package": ("by the package's hash", "przez skrót z pakietu"),
    "altered": ("changed", "zmienione"),
    "missing": ("missing", "brakujące"),
    "unverifiable": ("unverifiable", "nie do sprawdzenia"),
    "counters": ("Counters", "Liczniki"),
    "contiguous": ("without a hole", "bez przerw"),
    "not_contiguous": ("with holes", "z przerwami"),
    "spans": ("recordings", "nagrań"),
    "gaps": ("Gaps", "Braki"),
    "none": ("none", "brak"),
    "more": ("and {count} more", "i dalszych: {count}"),
    "explained": ("explained", "wyjaśniony"),
    "unexplained": ("NOT explained", "NIEWYJAŚNIONY"),
    "parameter_sets": ("Parameter sets", "Zestawy parametrów"),
    "timing": ("Playback timing", "Czas odtwarzania"),
    "file_hash": ("File hashes", "Skróty plików"),
    "statement": ("Statement", "Oświadczenie"),
    "journal": ("Journal", "Dziennik"),
    "request": ("Requested", "Żądanie"),
    "by": ("by", "przez"),
    "case": ("case", "sprawa"),
    "basis": ("basis", "podstawa"),
    "recipient": ("for", "dla"),
    "made": ("Package made", "Pakiet utworzono"),
    "not_proven": ("What this does not prove", "Czego to nie dowodzi"),
    "hashes": ("Hashes to compare (SHA-256)", "Skróty do porównania (SHA-256)"),
    "certificate": ("certificate", "certyfikat"),
}
