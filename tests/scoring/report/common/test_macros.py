"""Items and modules have what they need (PS3.3 chapter 10, C.7.1.3), or are left out."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from scoring.report.common.macros import complete_modules, repair_item


def item(**values: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def code(**values: object) -> Dataset:
    return item(**{"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": "One"} | values)


@pytest.mark.parametrize(
    ("sequence", "content", "kept"),
    [
        ("ProcedureCodeSequence", code(), True),
        ("ProcedureCodeSequence", code(CodeMeaning=""), False),
        ("ProcedureCodeSequence", item(CodeMeaning="words"), False),
        ("ProcedureCodeSequence", item(CodeValue="1", CodeMeaning="One"), False),
        ("ProcedureCodeSequence", item(URNCodeValue="urn:oid:1.2", CodeMeaning="One"), True),
        ("ReferencedStudySequence", item(ReferencedSOPClassUID="1.2"), False),
        ("ReferencedStudySequence", item(ReferencedSOPClassUID="1.2", ReferencedSOPInstanceUID="1.3"), True),
        ("OtherPatientIDsSequence", item(PatientID="4"), False),
        ("OtherPatientIDsSequence", item(PatientID="4", TypeOfPatientID="TEXT"), True),
        ("ReferringPhysicianIdentificationSequence", item(InstitutionName="House"), False),
        ("PhysiciansOfRecordIdentificationSequence", item(PersonIdentificationCodeSequence=[code()]), True),
        ("IssuerOfAccessionNumberSequence", item(LocalNamespaceEntityID="HIS"), True),
    ],
)
def test_items_with_and_without_what_they_need(sequence: str, content: Dataset, kept: bool) -> None:
    assert repair_item(Tag(sequence), content) is kept


@pytest.mark.parametrize(
    ("value", "keyword"),
    [("C" * 16, "CodeValue"), ("C" * 17, "LongCodeValue"), ("urn:oid:1.2.3.4.5.6", "URNCodeValue")],
)
def test_a_code_stands_in_the_element_of_its_length(value: str, keyword: str) -> None:
    content = item(CodingSchemeDesignator="99X", CodeMeaning="One")
    content.add_new(Tag("CodeValue"), "UC", value)
    assert repair_item(Tag("ProcedureCodeSequence"), content)
    assert {word: content[word].value for word in content.dir("CodeValue")} == {keyword: value}


def test_half_of_a_pair_goes() -> None:
    issuer = item(LocalNamespaceEntityID="HIS", UniversalEntityID="1.2.3")
    assert repair_item(Tag("IssuerOfAccessionNumberSequence"), issuer)
    assert issuer.dir() == ["LocalNamespaceEntityID"]
    context = code(ContextIdentifier="100", ContextUID="1.2")
    assert repair_item(Tag("ProcedureCodeSequence"), context)
    assert set(context.dir()) == {"CodeValue", "CodingSchemeDesignator", "CodeMeaning"}


def test_a_clinical_trial_is_whole_or_absent() -> None:
    whole = item(ClinicalTrialSponsorName="S", ClinicalTrialProtocolID="P", ClinicalTrialSubjectID="7")
    assert complete_modules(whole) == []
    assert whole.ClinicalTrialProtocolName == whole.ClinicalTrialSiteID == whole.ClinicalTrialSiteName == ""
    half = item(ClinicalTrialProtocolID="P", ClinicalTrialSubjectID="7", ClinicalTrialSiteID="")
    assert complete_modules(half) == ["ClinicalTrialProtocolID", "ClinicalTrialSubjectID"]
    assert not half.dir()


def test_a_removed_identity_has_a_method() -> None:
    removed = item(PatientIdentityRemoved="YES")
    complete_modules(removed)
    assert removed.DeidentificationMethod == "Not stated in the images"
    kept = item(PatientIdentityRemoved="NO")
    complete_modules(kept)
    assert "DeidentificationMethod" not in kept
