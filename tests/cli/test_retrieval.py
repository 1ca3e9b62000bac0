def test_search_finds_ads_and_lets_a_teacher_order_them(kdlab):
    answer = kdlab(
        "search", "demo:cdssm-kd", "running shoes", "--data", "world:ads=500", "-k", 3,
        "--teacher", "demo:teacher", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    found = answer.json["found"]
    assert len(found) == 3
    assert [row["score"] for row in found] == sorted((r["score"] for r in found), reverse=True)
    assert sorted(row["teacher's place"] for row in found) == [1, 2, 3]


def test_index_measures_recall_against_exact_search(kdlab):
    answer = kdlab(
        "index", "demo:cdssm-kd", "--data", "world:ads=500", "--recipe", "IVF16",
        "--queries", 20, "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    points = answer.json["points"]
    assert [point["effort"] for point in points] == [1, 4, 16, 64, 128]
    assert points[-1]["recall"]["value"] == 1
    assert points[0]["recall"]["n"] == 20
    assert answer.json["megabytes"] > 0


def test_a_wrong_filter_or_a_cross_encoder_is_refused_in_words(kdlab):
    wrong = kdlab("search", "demo:cdssm-kd", "x", "--data", "world:ads=50", "--where", "vertical")
    assert (wrong.code, "COLUMN=VALUE" in wrong.err) == (2, True)
    cross = kdlab("search", "demo:teacher", "x", "--data", "world:ads=50")
    assert (cross.code, "reads query and ad together" in cross.err) == (2, True)
