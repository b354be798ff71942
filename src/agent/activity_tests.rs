use super::*;

const MANIFEST: &str = r#"
start: [x]
rest_after_ms: 1000
status:
  - {asking: "(?i)do you want"}
  - {working: "esc to interrupt"}
titles:
  - {working: "^◐"}
  - {resting: "^✳"}
"#;

fn authority() -> Authority {
    Authority::new(&Manifest::from_value("x", &serde_yaml::from_str(MANIFEST).unwrap()).unwrap())
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn event(activity: Activity) -> Signal<'static> {
    Signal::Event(activity)
}

fn program(state: &'static str) -> Signal<'static> {
    Signal::Program { state, kind: Some("permission"), message: Some("approve Write: a.txt") }
}

fn screen(text: &str, unchanged: u64) -> Signal<'_> {
    Signal::Screen { text, unchanged: ms(unchanged) }
}

/// What stands after each signal, every rest being given the time to settle.
fn play(signals: Vec<Signal<'_>>) -> Vec<String> {
    let mut authority = authority();
    signals
        .into_iter()
        .enumerate()
        .map(|(index, signal)| {
            let now = ms(1000 * (index as u64 + 1));
            authority.observe(signal, now);
            if let Some(deadline) = authority.deadline() {
                authority.settle(deadline);
            }
            let verdict = authority.verdict();
            let word = match &verdict.activity {
                Activity::Starting => "starting".to_owned(),
                Activity::Working => "working".to_owned(),
                Activity::Resting => "resting".to_owned(),
                Activity::Asking { text } => format!("asking {text}"),
            };
            format!("{word} ({})", verdict.source.word())
        })
        .collect()
}

fn hook(event: HookEvent, at: u64) -> Signal<'static> {
    Signal::Hook { event, text: Some("Which color?\n\nRed or blue"), at: ms(at) }
}

/// The nth signal comes at n seconds. R91.
#[test]
fn a_hook_beats_the_screen_and_its_own_past_but_no_newer_news() {
    use HookEvent::{Asking, Done, Error, Idle, Working};
    let played = play(vec![
        screen("do you want to go on?", 0),
        hook(Working, 1990),
        screen("do you want to go on?", 5000),
        hook(Asking, 4000),
        hook(Working, 3900),
        hook(Error, 5900),
        program("working"),
        hook(Idle, 6990),
        hook(Done, 9000),
        event(Activity::Working),
        hook(Idle, 9500),
        hook(Idle, 11_000),
    ]);
    assert_eq!(
        played,
        [
            "asking do you want to go on? (screen)",
            "working (hook)",
            "working (hook)",
            "asking Which color? (hook)",
            "asking Which color? (hook)",
            "resting (hook)",
            "working (program status)",
            "working (program status)",
            "resting (hook)",
            "working (agent events)",
            "working (agent events)",
            "resting (hook)",
        ]
    );
}

/// R92.
#[test]
fn native_beats_title_beats_screen() {
    let verdicts = play(vec![
        screen("logo", 0),
        screen("esc to interrupt", 0),
        screen("- Do you want to write?\n 1. Yes", 5000),
        Signal::Title("✳ fix"),
        screen("esc to interrupt", 0),
        program("working"),
        Signal::Title("✳ fix"),
        screen("Do you want", 0),
        program("blocked"),
        program("done"),
        event(Activity::Working),
        program("idle"),
    ]);
    assert_eq!(
        verdicts,
        [
            "starting (screen)",
            "working (screen)",
            "asking - Do you want to write? (screen)",
            "resting (title)",
            "resting (title)",
            "working (program status)",
            "working (program status)",
            "working (program status)",
            "asking approve Write: a.txt (program status)",
            "resting (program status)",
            "working (agent events)",
            "working (agent events)",
        ]
    );
}

#[test]
fn a_program_that_clears_its_status_gives_the_word_back() {
    let verdicts = play(vec![program("working"), program("clear"), screen("$", 1000), program("clear")]);
    assert_eq!(verdicts[1..], ["working (program status)", "resting (screen)", "resting (screen)"]);
}

#[test]
fn lost_events_give_the_word_back() {
    let verdicts = play(vec![event(Activity::Resting), Signal::EventsLost, screen("esc to interrupt", 0)]);
    assert_eq!(verdicts, ["resting (agent events)", "resting (agent events)", "working (screen)"]);
}

/// R92.
#[test]
fn an_agent_without_events_rests_when_its_screen_does() {
    let verdicts = play(vec![screen("a", 999), screen("a", 1000), screen("ab", 0), screen("ab", 1001)]);
    assert_eq!(verdicts, ["starting (screen)", "resting (screen)", "working (screen)", "resting (screen)"]);
}

#[test]
fn rest_counts_once_it_has_lasted() {
    let mut authority = authority();
    assert!(authority.observe(event(Activity::Working), ms(0)).is_some());
    assert!(authority.observe(event(Activity::Resting), ms(100)).is_none());
    assert_eq!(authority.deadline(), Some(ms(400)));
    assert!(authority.settle(ms(399)).is_none());
    assert!(authority.observe(event(Activity::Working), ms(399)).is_none(), "the same as before");
    assert_eq!(authority.deadline(), None, "work takes the rest back");
    authority.observe(event(Activity::Resting), ms(500));
    authority.observe(event(Activity::Resting), ms(700));
    let verdict = authority.settle(ms(800)).expect("a repeated rest does not start anew").clone();
    assert_eq!((verdict.activity, verdict.seq), (Activity::Resting, 2));
}

#[test]
fn every_program_state_has_its_meaning() {
    for (state, expected) in [
        ("working", Some(Activity::Working)),
        ("idle", Some(Activity::Resting)),
        ("done", Some(Activity::Resting)),
        ("error", Some(Activity::Resting)),
        ("clear", None),
        ("dreaming", None),
    ] {
        assert_eq!(program_activity(state, None, None), expected, "{state}");
    }
    let asks = |kind, message| program_activity("blocked", kind, message);
    assert_eq!(asks(Some("auth"), None), Some(Activity::Asking { text: "auth".to_owned() }));
    assert_eq!(asks(Some("auth"), Some(" \n which?\nx")), Some(Activity::Asking { text: "which?".to_owned() }));
    assert_eq!(asks(None, None), Some(Activity::Asking { text: "asks".to_owned() }));
}
