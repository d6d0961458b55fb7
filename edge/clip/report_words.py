"""Every word of the report and of the hand-over record, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from edge.messages.package import RecordsNote
from edge.paper.page import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """In the order of the paper. {…} are filled in."""

    title: str
    neutral: str
    camera: str
    place: str
    device: str
    asked: str
    operator: str
    case: str
    basis: str
    recipient: str
    request: str
    made: str
    files: str
    file: str
    first_last: str
    pictures: str
    gaps: str
    no_gaps: str
    gap_span: str
    gap_length: str
    gap_reason: str
    footage_clock: str
    error_at_most: str
    error_unknown: str
    no_zone: str
    masks: str
    no_masks: str
    sheet: str
    sheet_derived: str
    sheet_no_decoder: str
    sheet_failed: str
    verify: str
    by_program: str
    by_validator: str
    by_telephone: str
    by_hash: str
    of_parts: str
    statement: str
    fingerprint: str
    assurance: str
    assurances: dict[str, str]
    unsigned: str
    no_seal: str
    records: str
    proven: str
    notes: dict[RecordsNote, str]
    handover: str
    handover_about: str
    files_handed: str
    date: str
    medium: str
    giver: str
    taker: str
    remarks: str
    sign_giver: str
    sign_taker: str
    none: str


EN = Words(
    title="Report on exported footage",
    neutral="This report says what the recording device states. It does not judge what the pictures show, and it proves nothing by itself: "
    "the signed file {statement} does, checked as described under “How to verify”.",
    camera="Camera",
    place="Place",
    device="Recording device",
    asked="Time asked for",
    operator="Exported by",
    case="Case",
    basis="Legal basis",
    recipient="Recipient",
    request="Request",
    made="Made",
    files="Files",
    file="File",
    first_last="First, last picture",
    pictures="pictures",
    gaps="Missing footage",
    no_gaps="The device states that nothing of the time asked for is missing.",
    gap_span="Time",
    gap_length="Length",
    gap_reason="Reason, as recorded by the device",
    footage_clock="Device clock",
    error_at_most="error at most {error} ms",
    error_unknown="error bound not known",
    no_zone="Local times are left out: the device has no time zone data for {zone}.",
    masks="Privacy masks",
    no_masks="none burnt in by this device",
    sheet="Contact sheet",
    sheet_derived="Small copies for orientation, made from the footage. The evidence is the video file alone.",
    sheet_no_decoder="No pictures here: this device has no video decoder installed. The video files are complete.",
    sheet_failed="No pictures here: they could not be made. The video files are not affected.",
    verify="How to verify",
    by_program=(
        "Get the town's root certificate (CA.pem) from the town itself, not with this footage. On any computer with the program edge, in "
        "the folder with these files:"
    ),
    by_validator="Without that program: the validator of ONVIF's Media Signing framework checks the signatures inside each video file.",
    by_telephone="Compare the key's fingerprint below by telephone with the town's register of cameras; use a number you know, not one "
    "that came with the footage.",
    by_hash="sha256sum NAME (Linux) or certutil -hashfile NAME SHA256 (Windows) gives the hashes to compare with this report.",
    of_parts="A part cut out of a video file at key frames, without encoding again, can be verified in the same way.",
    statement="SHA-256 of {statement}",
    fingerprint="Fingerprint of the key's certificate (SHA-256)",
    assurance="Key kept in",
    assurances={"file": "a file on the device", "hardware": "hardware that does not give it out"},
    unsigned="Nothing here is signed by the device: {why}. Hashes still show whether files changed since this report was made.",
    no_seal="it has no key to sign with",
    records="Journal of the device",
    proven="{lines} lines, chained by hash, up to a signed checkpoint, go with the footage.",
    notes={
        "": "",
        "no_checkpoint": "The records are not included: no signed checkpoint covers them.",
        "not_in_journal": "The journal has no record of some of the footage (it was begun anew, or damaged).",
        "not_sealed": "The newest footage was still being recorded: its entry in the journal was written after this report.",
        "too_large": "The records are not included: there are more lines up to the next signed checkpoint than a package carries.",
        "unreadable": "The records are not included: the device could not read its journal without a hole.",
    },
    handover="Hand-over record",
    handover_about="The footage described in this report was handed over as the files listed. To be filled in by hand.",
    files_handed="Files handed over",
    date="Date and time",
    medium="Medium, serial number",
    giver="Handed over by (name, function)",
    taker="Received by (name, institution)",
    remarks="Remarks",
    sign_giver="Signature of who hands over",
    sign_taker="Signature of who receives",
    none="not stated",
)

PL = Words(
    title="Raport o wydanym nagraniu",
    neutral="Raport podaje to, co stwierdza urządzenie rejestrujące. Nie ocenia treści obrazu i sam niczego nie dowodzi: dowodzi tego "
    "podpisany plik {statement}, sprawdzony w sposób opisany w części „Jak sprawdzić”.",
    camera="Kamera",
    place="Miejsce",
    device="Urządzenie rejestrujące",
    asked="Żądany okres",
    operator="Sporządził(a)",
    case="Sprawa",
    basis="Podstawa prawna",
    recipient="Odbiorca",
    request="Numer żądania",
    made="Data sporządzenia",
    files="Pliki",
    file="Plik",
    first_last="Pierwsza i ostatnia klatka",
    pictures="liczba klatek",
    gaps="Braki w nagraniu",
    no_gaps="Według urządzenia w żądanym okresie niczego nie brakuje.",
    gap_span="Okres",
    gap_length="Długość",
    gap_reason="Przyczyna zapisana przez urządzenie",
    footage_clock="Zegar urządzenia",
    error_at_most="błąd nie większy niż {error} ms",
    error_unknown="granica błędu nieznana",
    no_zone="Nie podano czasu lokalnego: urządzenie nie ma danych strefy czasowej {zone}.",
    masks="Maski prywatności",
    no_masks="urządzenie nie nałożyło żadnych",
    sheet="Przegląd klatek",
    sheet_derived="Pomniejszone kopie poglądowe wykonane z nagrania. Dowodem jest wyłącznie plik wideo.",
    sheet_no_decoder="Brak obrazów: na urządzeniu nie zainstalowano dekodera wideo. Pliki wideo są kompletne.",
    sheet_failed="Brak obrazów: nie udało się ich wykonać. Nie ma to wpływu na pliki wideo.",
    verify="Jak sprawdzić",
    by_program=(
        "Certyfikat główny miasta (CA.pem) należy uzyskać od miasta, a nie razem z nagraniem. Na dowolnym komputerze z programem edge, "
        "w folderze z plikami:"
    ),
    by_validator="Bez tego programu: walidator ONVIF Media Signing sprawdza podpisy wewnątrz każdego pliku wideo.",
    by_telephone="Odcisk klucza podany niżej należy porównać telefonicznie z rejestrem kamer miasta, dzwoniąc pod numer znany skądinąd, a "
    "nie otrzymany razem z nagraniem.",
    by_hash="Polecenie sha256sum NAZWA (Linux) lub certutil -hashfile NAZWA SHA256 (Windows) podaje skróty do porównania z tym raportem.",
    of_parts="Fragment wycięty z pliku wideo na klatkach kluczowych, bez ponownego kodowania, można sprawdzić w ten sam sposób.",
    statement="SHA-256 pliku {statement}",
    fingerprint="Odcisk certyfikatu klucza (SHA-256)",
    assurance="Miejsce klucza",
    assurances={"file": "plik w urządzeniu", "hardware": "układ, który nie ujawnia klucza"},
    unsigned="Urządzenie niczego tu nie podpisało: {why}. Skróty nadal pokazują, czy pliki zmieniono po sporządzeniu raportu.",
    no_seal="nie ma ono klucza do podpisywania",
    records="Dziennik urządzenia",
    proven="Do nagrania dołączono wpisy powiązane skrótami aż do podpisanego punktu kontrolnego; liczba wpisów: {lines}.",
    notes={
        "": "",
        "no_checkpoint": "Wpisów nie dołączono: nie obejmuje ich żaden podpisany punkt kontrolny.",
        "not_in_journal": "W dzienniku brak wpisów o części nagrania (dziennik założono na nowo lub jest uszkodzony).",
        "not_sealed": "Najnowsza część była jeszcze rejestrowana: jej wpis w dzienniku powstał po sporządzeniu raportu.",
        "too_large": "Wpisów nie dołączono: do najbliższego podpisanego punktu kontrolnego jest ich zbyt wiele.",
        "unreadable": "Wpisów nie dołączono: urządzenie nie mogło odczytać dziennika bez luki.",
    },
    handover="Protokół przekazania",
    handover_about="Nagranie opisane w tym raporcie przekazano w postaci wymienionych plików. Wypełnić ręcznie.",
    files_handed="Przekazane pliki",
    date="Data i godzina",
    medium="Nośnik, numer seryjny",
    giver="Przekazujący (imię, nazwisko, funkcja)",
    taker="Odbierający (imię, nazwisko, instytucja)",
    remarks="Uwagi",
    sign_giver="Podpis przekazującego",
    sign_taker="Podpis odbierającego",
    none="nie podano",
)

WORDS: dict[Language, Words] = {"pl": PL, "en": EN}
