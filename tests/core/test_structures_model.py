"""An ROI is found by its exact name, or the answer says what there is."""

import pytest

from isocentra.errors import StructureError
from isocentra.structures import Roi, StructureSet

SET = StructureSet(
    rois=(
        Roi(number=1, name="PTV_5000"),
        Roi(number=2, name="Heart"),
        Roi(number=3, name=" heart"),
    ),
    sop_uid="1.2.3",
)


def test_names_are_compared_without_case_and_outer_blanks() -> None:
    assert SET.roi(" ptv_5000 ").number == 1


def test_an_unknown_name_is_answered_with_those_that_are_there() -> None:
    with pytest.raises(StructureError, match="PTV_5000, Heart") as refused:
        SET.roi("PTV")
    assert refused.value.reason == "NO_SUCH_ROI"
    assert refused.value.where.roi == "PTV"


def test_a_name_that_two_rois_share_is_refused_with_their_numbers() -> None:
    with pytest.raises(StructureError, match="numbers 2, 3") as refused:
        SET.roi("Heart")
    assert refused.value.reason == "AMBIGUOUS_ROI"
