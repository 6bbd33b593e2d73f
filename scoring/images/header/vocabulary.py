"""Words by which headers name images that are not plain CT slices, in the languages of scanners and their users.

Patterns match text as `normalise` makes it: capitals without accents, words separated by single spaces. The terms of
the Standard are those of PS3.3 C.8.16.1.4 (Image Type, value 4) and C.8.15.2.1.1.5 (multi-energy); the others come from
conformance statements and public headers: CT_SOM5 MIP (Siemens), AVERAGE (GE), PROJECTION IMAGE (syngo).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal, get_args

Projection = Literal[
    "maximum_projection",
    "minimum_projection",
    "average_projection",
    "sum_projection",
    "curved",
    "rendered",
    "thick_mpr",
]
"""Several voxels became one: no slice."""
Processed = Literal[
    "subtraction",
    "virtual_non_contrast",
    "calcium_suppressed",
    "iodine",
    "material",
    "electron_density",
    "effective_z",
    "uric_acid",
    "bone_removed",
    "perfusion",
    "fused",
    "segmentation",
    "cad",
    "screen_save",
    "colour",
    "unit",
]
"""The values are no CT numbers as acquired."""
Companion = Literal["localizer", "monitoring"]
"""Other images of the same examination."""
Kind = Projection | Processed | Companion
PROJECTIONS: Final[tuple[Projection, ...]] = get_args(Projection)

_MM: Final = r"\d[\d ]*MM"
_AVERAGED: Final = r"(?:AVERAGED?|AVG|MITTELWERT|MOYENN\w+|PROMEDIO)"
_PLANE: Final = r"(?:AX|AXIAL|TRA|MPR|SLAB|THICK|REFORMAT\w*)"

_FREE: Final[tuple[tuple[Kind, str], ...]] = (
    ("virtual_non_contrast", r"VNC[AS]?|GSI VUE|VIRTUAL (?:TRUE )?(?:NON|UN|NO) ?(?:CONTRAST|ENHANCED|CALCIUM)\w*"),
    ("virtual_non_contrast", r"VIRTUELL\w* (?:NATIV\w*|NICHT ?KONTRAST\w*)|VIRTUEL\w* (?:SANS|NON) \w+"),
    ("virtual_non_contrast", r"(?:SANS|SIN|SENZA) (?:CONTRASTE?|CONTRASTO|INJECTION) VIRTU\w*|VIRTUAL SIN CONTRASTE"),
    ("virtual_non_contrast", r"PURE ?(?:CALCIUM|LUMEN)|VNI|VIRTUAL NON ?IODINE|IODINE (?:REMOV\w*|SUPPRESS\w*)"),
    ("calcium_suppressed", r"(?:CALCIUM|PLAQUE) ?(?:SUPP\w*|REMOV\w*|SUBTRACT\w*)|CA ?SUPP(?:R\w*)?"),
    ("calcium_suppressed", r"(?:KALK|KALZIUM|CALCIUM) ?(?:UNTERDRUCK\w*|ENTFERN\w*|SUBTRAKTION)"),
    ("calcium_suppressed", r"(?:SUPP?RESSION|SUPRESION|SOUSTRACTION|SUSTRACCION) (?:DU |DE |DEL )?CALCI(?:UM|O)"),
    ("material", r"MATERIAL (?:DENSITY|MAP|DECOMPOSITION|SUPPRESSED)|MD (?:WATER|IODINE|CALCIUM|HAP|FAT)"),
    ("material", r"CONTRAST ENHANCED STRUCTURES|PHOTO ?ELECTRIC|COMPTON|K ?EDGE|(?:GADOLINIUM|FAT) (?:MAPS?|FRACTION)"),
    ("material", r"(?:WATER|HAP|CALCIUM|FAT|URIC ACID) (?:IODINE|WATER|CALCIUM|HAP|FAT)|BASIS MATERIAL"),
    ("iodine", r"IOD(?:INE|E)? (?:MAPS?|OVERLAY|DENSITY|(?:NO )?WATER|CONCENTRATION|IMAGES?|FRACTION|UPTAKE|QUANT\w*)"),
    ("iodine", r"[JI]OD ?(?:KARTEN?|BILD\w*|DICHTE|KONZENTRATION)|(?:LUNG )?PBV|PERFUSED BLOOD VOLUME"),
    ("iodine", r"(?:CARTE|CARTOGRAPHIE|MAPA|MAPPA)S? (?:DE L |D |DE |DELLO )?(?:IODE|YODO|IODO|IODIO)"),
    ("electron_density", r"ELECTRON(?:IC)? DENSITY|ELEKTRONENDICHTE|RHO (?:E|Z)|STOPPING POWER"),
    ("electron_density", r"DENSITE ELECTRONIQUE|DENSIDAD ELECTRONICA|DENSITA ELETTRONICA"),
    (
        "effective_z",
        r"Z ?EFF\w*|EFF(?:ECTIVE)? ?(?:Z|ATOMIC)\w*|ATOMIC NUMBER|ORDNUNGSZAHL|NUM\w+ (?:ATOMI\w+|EFFICACE)",
    ),
    ("uric_acid", r"URIC ACID|URATE|HARNSAURE|ACIDE URIQUE|ACIDO URICO|GOUT (?:MAP|IMAGES?)"),
    ("bone_removed", r"BONE ?(?:REM|REMOV\w*|SUBTRACT\w*|FREE|LESS|SUPPRESS\w*)|SANS OS|SIN HUESOS?"),
    ("bone_removed", r"KNOCHEN ?(?:ENTFERN\w*|SUBTRAKTION|FREI)|(?:SUPPRESSION|SOUSTRACTION) OSSEUSE"),
    ("subtraction", r"SUBS?TRACT\w*|SUBTR|SUBTRAKTION\w*|SOUSTR\w+|SU[BS]S?TRACCION|SOTTRAZIONE|DSA"),
    (
        "perfusion",
        r"PERFUSION ?(?:MAPS?|PARAM\w*)|PERFUSIONSKARTE\w*|(?:CARTE|MAPA)S? DE PERFUSION|CB[FV]|MTT|TTP|TMAX",
    ),
    ("fused", r"FUSED|FUSION (?:IMAGES?|COLOU?R)|PET CT FUSION|FUSIONSBILD\w*|FUSIONNE\w*"),
    ("fused", r"COLOU?R (?:MAPS?|CODED|OVERLAY)|FARBKODIER\w*|PARAMETRIC (?:MAPS?|IMAGES?)|PARAMETERKARTE\w*"),
    ("segmentation", r"SEGMENTATION|LABEL ?MAPS?|BINARY MASK"),
    ("cad", r"CAD (?:RESULTS?|OUTPUT|MARKS?|MARKERS?|OVERLAY|FINDINGS?)|COMPUTER AIDED"),
    ("screen_save", r"SCREEN ?(?:SAVES?|SHOTS?|CAPTURES?)|BILDSCHIRM\w*|CAPTURE D ECRAN|PATIENT PROTOCOL"),
    (
        "screen_save",
        r"DOSE (?:REPORT|INFO|SHEET|RECORD|SUMMARY)|DOSISBERICHT|PATIENTENPROTOKOLL|RAPPORT DE DOSE|INFORME DE DOSIS",
    ),
    ("thick_mpr", r"THICK (?:SLAB )?MPR|MPR THICK(?: RANGE)?|THICK SLABS?|MPR SLABS?|SLAB MPR"),
    ("thick_mpr", r"DICKE MPR|DICKSCHICHT ?MPR|MPR (?:DICK|EPAIS\w*|GRUES\w*|SPESS\w*)"),
    ("maximum_projection", r"(?:[TC]|AX|COR|SAG)?MIPS?|M I P|MAX ?IPS?|MAX\w* ?INTENS\w*|MAXIMUMINTENS\w*"),
    ("maximum_projection", r"INTENS\w+ (?:MAXIM\w+|MASSIMA)|MASSIMA INTENSITA"),
    ("minimum_projection", r"M IPS?|MIN ?IPS?|MIN\w* ?INTENS\w*|INTENS\w+ MINIM\w+"),
    ("average_projection", rf"AVE?G? ?IP|AIP|MEAN ?IP|{_AVERAGED} (?:INTENS\w*|IPS?|PROJ\w*|SLABS?|IMAGES?)"),
    ("average_projection", r"MITTELWERT ?(?:BILD\w*|PROJEKTION)|INTENS\w+ (?:MOYENNE|MEDIA|PROMEDIO)|MEAN INTENS\w*"),
    (
        "average_projection",
        rf"{_AVERAGED} (?:CT|{_PLANE}|{_MM})|(?:{_PLANE}|MM) (?:AVERAGED?|AVG)(?! ?\w)",
    ),
    ("average_projection", rf"(?:TEMPORAL|TIME|PHASE|4 ?D) {_AVERAGED}|{_AVERAGED} (?:PHASES?|4 ?D)"),
    ("average_projection", rf"^(?:AVERAGED?|AVG|MITTELWERT|MOYENNE|PROMEDIO)(?:$| {_PLANE}\b)"),
    ("sum_projection", r"RAY ?SUM\w*|SLAB SUM|SUMMENBILD\w*|SUMMATION IMAGES?"),
    ("curved", r"CURVED ?(?:MPR|PLANAR|REFORM\w*|LM|LAD|L?CX|RCA)|C ?MPR|GEKRUMMTE MPR|MPR (?:COURBE|CURV\w+)"),
    ("curved", r"CPR (?:LAD|LCX|CX|RCA|LM|VIEWS?|IMAGES?)"),
    (
        "rendered",
        r"VRTS?|VOL(?:UME)? ?REND\w*|SURFACE ?REND\w*|SHADED SURFACE|CINEMATIC|CINE 3 ?D|3 ?D (?:CINE|VR|VRT)",
    ),
    ("rendered", r"VOLUMENRENDERING|RENDU (?:VOLUMIQUE|DE VOLUME)|REND\w+ VOLUMETRIC\w+|VIRTUAL ENDOSCOPY"),
)
# plain enough to be trusted as a value of Image Type, and too common in free text
_TYPED: Final[tuple[tuple[Kind, str], ...]] = (
    ("maximum_projection", r"MAXIMUM|MIPMAX"),
    ("minimum_projection", r"MINIMUM"),
    ("average_projection", r"AVERAGED?|AVG|MEAN|STD ?DEVIATION|STANDARD DEVIATION"),
    ("sum_projection", r"SUM|SUMMATION|ADDITION"),
    ("curved", r"CPR|CURVED"),
    ("rendered", r"VR|SSD|RENDER(?:ED|ING)"),
    ("maximum_projection", r"PROJECTION(?: IMAGE)?"),
    ("subtraction", r"DIVISION|MULTIPLICATION|DIFFERENCE|DSA"),
    ("virtual_non_contrast", r"VUE|MAT REMOVED|REMOVED CONTRAST"),
    ("material", r"MAT (?:SPECIFIC|FRACTIONAL|MODIFIED|VALUE BASED)|QUANTITY|MATERIAL|MD"),
    ("calcium_suppressed", r"(?:CALCIUM|MATERIAL) SUPPRESSION"),
    ("iodine", r"IODINE"),
    ("electron_density", r"SPR"),
    ("uric_acid", r"GOUT"),
    ("perfusion", r"PERFUSION"),
    ("fused", r"FUSION|PARAMETRIC|COLOU?R"),
    ("segmentation", r"SEGMENTED|SEG|MASK|MASKED"),
    ("cad", r"CAD"),
    ("screen_save", r"CT SOM\d PROT|DOSE|PROTOCOL|SECONDARY CAPTURE|CAPTURE"),
    ("localizer", r"LOCALI[SZ]ERS?|SCOUTS?|TOPOGRAMM?|SURVIEW|SCANO(?:GRAM|SCOPE)?|PILOT|CT SOM\d TOP|UBERSICHT"),
    ("monitoring", r"(?:PRE ?)?MONITORING|TRACKER|BOLUS ?TRACK\w*|TEST ?BOLUS|SMART ?PREP|SURE ?START"),
)
# before or after a word these say that the images are not of this kind, or are made for it
_NOT_BEFORE: Final = re.compile(
    r"(?:^| )(?:NO|NON|NOT|WITHOUT|WO|OHNE|KEINE?|SANS|SIN|SENZA|FOR|FUR|POUR|PARA|PER|TO|ZUR?"
    r"|BEFORE|PRE|VOR|AVANT|ANTES|PRIOR)"
    r"(?: (?:MPR|MIP|MIN ?IP|VRT|AND|OR|UND|ODER|ET|OU|Y|O|E|THE|A))* ?$"
)
_NOT_AFTER: Final = re.compile(r" ?(?:SOURCES?|SRC|BASE|BASIS|RAW|QUELLEN?)\b")
_VENDOR: Final = re.compile(r"^CT SOM\d (?!PROT|TOP)")


def _compile(
    patterns: tuple[tuple[Kind, str], ...], before: str, after: str
) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    return tuple((kind, re.compile(f"{before}(?:{pattern}){after}")) for kind, pattern in patterns)


# digits may stand directly beside a word: "MIP9mm"
_IN_TEXT: Final = _compile(_FREE, r"(?<![A-Z])", r"(?![A-Z])")
_AS_VALUE: Final = _compile(_TYPED, "^", "$")


def normalise(text: str) -> str:
    """Return text in capitals without accents, its words separated by single spaces; "axMIP" becomes "AX MIP"."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    spaced = re.sub(r"([a-z])(?=[A-Z])", r"\1 ", "".join(sign for sign in plain if not unicodedata.combining(sign)))
    return " ".join(re.sub(r"[^A-Z0-9]+", " ", spaced.upper().replace("W/O", "WO")).split())


def find_in_type(value: str) -> Kind | None:
    """Find the kind that one value of Image Type names; None for all other values."""
    words = _VENDOR.sub("", normalise(value))
    for kind, pattern in _AS_VALUE:
        if pattern.match(words):
            return kind
    return next((kind for kind, pattern in _IN_TEXT if pattern.search(words)), None)


def find_in_text(text: str) -> tuple[Kind, str] | None:
    """Find the first kind that free text names, and the words that name it; "for MIP" and "no MIP" name none."""
    words = normalise(text)
    for kind, pattern in _IN_TEXT:
        for match in pattern.finditer(words):
            if not _NOT_BEFORE.search(words[: match.start()]) and not _NOT_AFTER.match(words[match.end() :]):
                return kind, match[0].strip()
    return None
