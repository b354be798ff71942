//! Flow files that change while the engine runs.

use orchestra::model::State;

use crate::WILLING;
use crate::engine::{Bench, new_task};
use crate::place::alone;
use crate::repo::Repository;

#[test]
fn r51_flows_are_read_again_and_running_tasks_keep_theirs() {
    alone(|place| {
        let repository = Repository::new(place, WILLING);
        let bench = Bench::open(place, &repository);
        bench.begin("fix-it", "quick", "Fix it");
        let began = bench.reaches("fix-it", State::Approval).flow.clone();
        let good = repository.read(".orchestra/workflow.yaml");
        let has = |name: &str| {
            let what = format!("the flow {name}");
            bench.wait(&what, |snapshot| snapshot.projects[0].flows.iter().any(|(flow, _)| flow == name).then_some(()));
        };

        repository.write(".orchestra/workflow.yaml", &good.replace("gate:", "gte:"));
        let told = bench.notice("\"gte\"");
        assert!(told.contains("workflow.yaml:10:9: ") && told.contains("did you mean \"gate\"?"), "{told}");
        assert!(told.contains("What was in force stays"), "{told}");
        has("quick");
        bench.draft("second", "quick", "By the last good flows");

        let other = good.replace("  quick:", "  rapid:").replace("auto_merge: false", "strategy: squash");
        repository.write(".orchestra/workflow.yaml", &other.replace("strategy: rebase, strategy", "strategy"));
        has("rapid");
        assert_eq!(bench.task("fix-it").flow, began, "a task keeps the flow that it started with");
        bench.try_create(new_task("third", "quick", "It is gone")).unwrap_err();

        // A template is read with the flows: what is wrong with it is told at once, and so is that it is right again.
        repository.write(".orchestra/agents/work.md", "Fix {{titel}}.\n");
        let told = bench.notice("{{titel}}");
        assert!(told.contains(".orchestra/agents/work.md:1:5: "), "{told}");
        has("rapid");
        repository.write(".orchestra/workflow.yaml", &good);
        repository.write(".orchestra/agents/work.md", "Fix {{title}}.\n");
        has("quick");
    });
}
