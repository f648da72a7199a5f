//! What can be written, and what is said of the rest.

use hybridscaler_formula::{Field, Formula, Variable, identifier};

use super::compile;

#[test]
fn a_formula_reads_each_input_once_in_the_order_of_its_text() {
    for (text, expected) in [
        ("backlog.visible", "backlog.visible"),
        ("cpu.utilization + backlog.visible / cpu.utilization", "cpu.utilization backlog.visible"),
        ("open_requests.value > 0.0 ? 1.0 : -backlog.inFlight", "open_requests.value backlog.inFlight"),
        ("math.greatest(backlog.delayed, 2.0, cpu.averageValue)", "backlog.delayed cpu.averageValue"),
        (
            "!(cpu.utilization < 8.0 && 1.0 == 1.0 || 2e0 != .5)\n\t? math.ceil(1.5) : math.floor(1.5)",
            "cpu.utilization",
        ),
    ] {
        let formula = compile(text).unwrap();
        let inputs: Vec<String> = formula.inputs().iter().map(hybridscaler_formula::Input::written).collect();
        assert_eq!(inputs.join(" "), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_the_part_and_the_mend() {
    const NUMBERS: &str = "use numbers, inputs, + - * /, ?: or math.ceil, floor, abs, greatest, least";
    const CONDITIONS: &str = "use < <= > >= == != between numbers, joined by && || !";
    let inputs =
        "backlog.visible, backlog.inFlight, backlog.delayed, cpu.utilization, cpu.averageValue, open_requests.value";
    for (text, expected) in [
        ("backlg.visible", format!("`backlg` names no trigger: use one of {inputs}")),
        ("open-requests.value", format!("`open` names no trigger: use one of {inputs}")),
        ("backlog", "`backlog` is a trigger and no number: use one of backlog.visible, backlog.inFlight, backlog.delayed".into()),
        ("cpu.percent", "`cpu.percent` is nothing that the trigger reads: use one of cpu.utilization, cpu.averageValue".into()),
        ("other.value", "`other` is a formula itself: write out what it computes, since formulas read signals only".into()),
        ("other * 2.0", "`other` is a formula itself: write out what it computes, since formulas read signals only".into()),
        ("backlog.visible / 4", "`4` is a whole number and inputs are doubles: write 4.0".into()),
        ("backlog.visible > 4u ? 1.0 : 0.0", "`4` is a whole number and inputs are doubles: write 4.0".into()),
        ("backlog.visible % 4.0", "`%` has no place in a formula: write numbers, inputs such as backlog.visible, and + - * / ( ) < <= > >= == != && || ! ? and math.ceil, floor, abs, greatest, least".into()),
        ("cpu.utilization > 80.0", format!("`>` gives no number: {NUMBERS}")),
        ("cpu.utilization ? 1.0 : 0.0", format!("`an input` gives no condition: {CONDITIONS}")),
        ("true ? 1.0 : 0.0", format!("`true or false` gives no condition: {CONDITIONS}")),
        ("backlog.visible + 1.0 ? 1.0 : 0.0", format!("`+` gives no condition: {CONDITIONS}")),
        ("(cpu.utilization > 1.0) == (backlog.visible > 1.0) ? 1.0 : 0.0", format!("`>` gives no number: {NUMBERS}")),
        ("has(backlog.visible) ? 1.0 : 0.0", format!("`an input` gives no condition: {CONDITIONS}")),
        ("backlog.all(x, x > 1.0)", format!("`a macro over a list` gives no number: {NUMBERS}")),
        ("math.sqrt(backlog.visible)", format!("`math.sqrt()` gives no number: {NUMBERS}")),
        ("size(backlog.visible)", format!("`size()` gives no number: {NUMBERS}")),
        ("math.ceil(1.0, backlog.visible)", "`math.ceil` takes one number and has 2: give it one number".into()),
        ("math.least()", "`math.least` takes at least one number and has 0: give it at least one number".into()),
        ("1.0 + 2.0", format!("the formula reads no trigger: use one of {inputs}")),
        ("backlog.visible + 1e999", "the formula is no CEL, at character 19 invalid double literal".into()),
        ("--backlog.visible", "`--` is one sign too many: put brackets around what the second belongs to".into()),
        ("! !(backlog.visible > 1.0) ? 1.0 : 2.0", "`!!` is one sign too many: put brackets around what the second belongs to".into()),
        ("backlog.visible // half of it", "`/` has no place in a formula".into()),
        ("backlog['visible']", "`[` has no place in a formula".into()),
        ("backlog.visible × 2.0", "`×` has no place in a formula".into()),
        ("backlog.visible +", "the formula is no CEL, at character 18 ".into()),
        ("", "the formula is no CEL, at character 1 ".into()),
        ("(backlog.visible", "the formula is no CEL, at character ".into()),
        ("in.value", "the formula is no CEL, at character 1 ".into()),
    ] {
        let said = compile(text).unwrap_err().to_string();
        assert!(said.starts_with(&expected), "{text}\nsaid      {said}\nexpected  {expected}");
        assert!(said.lines().count() == 1 && said.contains(": "), "{text}: {said}");
    }
}

#[test]
fn every_name_of_a_trigger_has_an_identifier_of_its_own() {
    let names = ["a", "a-b", "a-b-c", "ab", "2nd", "in", "if", "math", "null", "true", "x-1"];
    let mut identifiers: Vec<String> = names.iter().map(|name| identifier(name)).collect();
    assert_eq!(identifiers, ["a", "a_b", "a_b_c", "ab", "_2nd", "_in", "_if", "_math", "_null", "_true", "x_1"]);
    for (name, identifier) in names.iter().zip(&identifiers) {
        let variable = Variable { trigger: name, fields: Field::EXTERNAL };
        let formula = Formula::compile(&format!("{identifier}.value"), &[variable]).unwrap();
        assert_eq!(formula.inputs().first().map(|input| &*input.trigger), Some(*name));
    }
    identifiers.sort();
    identifiers.dedup();
    assert_eq!(identifiers.len(), names.len());
}
