use proptest::prelude::*;

use super::*;

fn flaw(text: &str) -> Flaw {
    Node::parse(text).unwrap_err()
}

#[test]
fn nodes_know_their_places() {
    let node = Node::parse("a: 1\nb:\n  - x\n  - \"two\"\nc: {d: ~, e: f}\n").unwrap();
    let at = |node: &Node| (node.mark.line, node.mark.column);
    assert_eq!(at(node.get("a").unwrap()), (1, 4));
    let Kind::List(list) = &node.get("b").unwrap().kind else { panic!("no list") };
    assert_eq!((at(&list[0]), at(&list[1])), ((3, 5), (4, 5)));
    assert_eq!(list[1].raw(), Some("two"));
    assert!(node.get("c").unwrap().get("d").is_none());
    assert!(matches!(node.get("c").unwrap().kind, Kind::Map { flow: true, .. }));
    assert!(matches!(node.kind, Kind::Map { flow: false, .. }));
}

#[test]
fn anchors_aliases_and_merge_keys_are_filled_in() {
    let text =
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\none: {<<: *base, b: 9}\ntwo: {<<: [*base, *more]}\n";
    let node = Node::parse(text).unwrap();
    let value = |path: [&str; 2]| node.get(path[0]).unwrap().get(path[1]).unwrap().raw().unwrap().to_owned();
    assert_eq!([value(["one", "a"]), value(["one", "b"])], ["1", "9"]);
    assert_eq!([value(["two", "b"]), value(["two", "c"])], ["2", "4"]);
    // Where the value was written, not where it is used.
    assert_eq!(node.get("two").unwrap().get("c").unwrap().mark.line, 2);
}

#[test]
fn fault_c1_bombs_depth_and_duplicates() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let row = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb.push_str(&[format!("a{i}: &a{i} ["), row, "]\n".to_owned()].concat());
    }
    assert!(flaw(&bomb).message.contains("aliases"), "{}", flaw(&bomb));
    let deep = format!("a: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(Node::parse(&deep).is_err());
    assert_eq!(flaw("a: 1\nb: 2\na: 3\n").mark, Mark { line: 3, column: 1 });
    assert!(flaw("a: &a [*a]\n").message.contains("alias"));
    assert_eq!(flaw("a:\n  b: 1\n\tc: 2\n").mark.line, 3);
    assert!(flaw("a: 1\n---\nb: 2\n").message.contains("second document"));
    assert!(flaw("a: !!python/object x\n").message.contains("tags"));
    assert!(Node::parse(&"x".repeat(MAX_BYTES as usize + 1)).is_err());
    assert!(Node::parse("").unwrap().is_null());
    assert!(Node::parse("# only a comment\n").unwrap().is_null());
}

#[test]
fn refusals_name_the_nearest_word() {
    let node = Node::parse("agnet: x\n").unwrap();
    let flaw = Fields::new(&node, "the file", &["agent", "model"]).unwrap_err();
    assert_eq!(flaw.nearest.as_deref(), Some("agent"));
    assert_eq!(flaw.to_string(), "line 1, column 1: unknown key in the file \"agnet\", did you mean \"agent\"?");
    let node = Node::parse("text: true\nflag: yes\nnumber: 0\n").unwrap();
    let fields = Fields::new(&node, "it", &["text", "flag", "number"]).unwrap();
    assert!(fields.text("text").unwrap_err().message.contains("quotes"));
    assert!(fields.flag("flag").is_err());
    assert!(fields.number("number", 1..=u32::MAX).unwrap_err().message.contains("from 1,"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[-a-c:#&*<!|>'\"{}\\[\\], \\n\\t?%@0-1]{0,80}") {
        let _ = Node::parse(&text);
    }

    /// What serde_yaml reads of plain values, this reads the same.
    #[test]
    fn scalars_mean_what_serde_yaml_says(text in "[-+0-9a-fxo.eE_]{1,8}") {
        if let Ok(value @ (serde_yaml::Value::Number(_) | serde_yaml::Value::String(_))) = serde_yaml::from_str(&text)
            && let Ok(node) = Node::parse(&text)
        {
            prop_assert_eq!(node.to_value(), value);
        }
    }
}
