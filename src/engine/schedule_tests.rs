use proptest::prelude::*;

use super::*;
use crate::engine::pipeline::tests::task as base_task;
use crate::model::solo;

/// A project of a made-up world: its cap, and its tasks.
type Made = (u32, bool, Vec<Task>);

fn made(id: u32, state: State, came: i64) -> Task {
    let mut task = base_task(solo());
    (task.id, task.state) = (TaskId(id), state);
    task.updated_at = jiff::Timestamp::from_second(came).expect("a time");
    task
}

fn plan_of(world: &[Made], max_total: u32) -> Plan {
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let row = |(index, (max, usable, tasks)): (usize, &'_ Made)| Row {
        max: *max,
        usable: *usable,
        tasks: tasks.clone(),
        name: NAMES[index],
    };
    let owned: Vec<_> = world.iter().enumerate().map(row).collect();
    let rows: Vec<_> = owned
        .iter()
        .map(|row| Row { max: row.max, usable: row.usable, tasks: row.tasks.iter(), name: row.name })
        .collect();
    plan(&rows, max_total)
}

fn running(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| holds_place(task)).count()
}

fn queued(world: &[Made]) -> usize {
    world.iter().flat_map(|(.., tasks)| tasks).filter(|task| task.state == State::Queued).count()
}

/// The granted tasks begin to work.
fn start(world: &mut [Made], plan: &Plan) {
    for (index, id) in &plan.granted {
        let task = world[*index].2.iter_mut().find(|task| task.id == *id).expect("a task");
        task.state = State::Working;
    }
}

fn world() -> impl Strategy<Value = (Vec<Made>, u32)> {
    let task = (prop::sample::select(State::ALL.to_vec()), 0..6_i64);
    let project = (1..4_u32, prop::bool::weighted(0.9), prop::collection::vec(task, 0..12));
    let number = |(max, usable, tasks): (u32, bool, Vec<(State, i64)>)| {
        let tasks = tasks.into_iter().zip(1..).map(|((state, came), id)| made(id, state, came)).collect();
        (max, usable, tasks)
    };
    (prop::collection::vec(project.prop_map(number), 0..6), 1..8_u32)
}

proptest! {
    /// Grants never lead above a cap, and where a queued task stays, its reason is the true one.
    #[test]
    fn no_cap_is_passed((mut world, max_total) in world()) {
        let before: Vec<usize> = world.iter().map(|(.., tasks)| running(tasks)).collect();
        let plan = plan_of(&world, max_total);
        prop_assert_eq!(&plan, &plan_of(&world, max_total), "the same answer to the same question");
        prop_assert_eq!(plan.granted.len() + plan.queue.len(), queued(&world));
        start(&mut world, &plan);
        let after: Vec<usize> = world.iter().map(|(.., tasks)| running(tasks)).collect();
        let total: usize = after.iter().sum();
        prop_assert!(plan.granted.is_empty() || total <= max_total as usize);
        for (index, (max, usable, _)) in world.iter().enumerate() {
            prop_assert!(after[index] == before[index] || *usable && after[index] <= *max as usize);
        }
        for (at, (index, _, queued)) in plan.queue.iter().enumerate() {
            prop_assert_eq!(queued.place as usize, at + 1);
            let (max, usable, _) = &world[*index];
            match queued.hold {
                Hold::Trouble => prop_assert!(!usable),
                Hold::Project { max: told } => prop_assert!(told == *max && after[*index] >= told as usize),
                Hold::Total { max: told } => prop_assert!(told == max_total && total >= told as usize),
            }
        }
        prop_assert_eq!(plan_of(&world, max_total).granted, [], "nothing is left to give");
    }

    /// Of one project, who came first goes first.
    #[test]
    fn first_come_first_served((world, max_total) in world()) {
        let plan = plan_of(&world, max_total);
        let came = |index: usize, id: TaskId| {
            let task = world[index].2.iter().find(|task| task.id == id).expect("a task");
            (task.updated_at, task.id)
        };
        for (index, granted) in &plan.granted {
            for (_, waits, _) in plan.queue.iter().filter(|(of, ..)| of == index) {
                prop_assert!(came(*index, *granted) < came(*index, *waits));
            }
        }
    }

    /// Whichever task ends first, each one gets its turn: nobody starves, though new ones come all the time.
    #[test]
    fn nobody_starves((mut world, max_total) in world(), ends in prop::collection::vec(any::<prop::sample::Index>(), 400)) {
        for (_, usable, tasks) in &mut world {
            *usable = true;
            tasks.retain(|task| task.state == State::Queued);
        }
        let first = queued(&world);
        let mut left = first;
        let mut next = 1000;
        for end in ends {
            let plan = plan_of(&world, max_total);
            left -= plan.granted.iter().filter(|(_, id)| id.0 < 1000).count();
            start(&mut world, &plan);
            let at_work: Vec<(usize, TaskId)> = world
                .iter()
                .enumerate()
                .flat_map(|(index, (.., tasks))| {
                    tasks.iter().filter(|task| holds_place(task)).map(move |task| (index, task.id))
                })
                .collect();
            if at_work.is_empty() {
                break;
            }
            let (index, id) = at_work[end.index(at_work.len())];
            world[index].2.retain(|task| task.id != id);
            // Another one takes its place in the queue, behind all who wait.
            next += 1;
            world[index].2.push(made(next, State::Queued, i64::from(next)));
        }
        // Ends are drawn at random, so a task of the first ones may still be at work; none of them waits.
        let waits = plan_of(&world, max_total).queue.iter().filter(|(_, id, _)| id.0 < 1000).count();
        prop_assert_eq!((left, waits), (0, 0), "of {} tasks", first);
    }
}

/// A task that waits for a person, or for a decision, holds no place.
#[test]
fn people_who_are_away_block_nobody() {
    for state in [State::Quiet, State::Asking, State::Approval, State::Paused, State::Failed, State::Done] {
        let world = [(1, true, vec![made(1, state, 1), made(2, State::Queued, 2)])];
        assert_eq!(plan_of(&world, 1).granted, [(0, TaskId(2))], "{}", state.word());
    }
}

#[test]
fn the_reason_names_the_cap_that_holds() {
    let world = [
        (1, true, vec![made(1, State::Working, 1), made(2, State::Queued, 2)]),
        (8, true, vec![made(1, State::Gating, 3), made(2, State::Queued, 1)]),
        (8, false, vec![made(1, State::Queued, 0)]),
    ];
    let holds: Vec<_> = plan_of(&world, 2).queue.into_iter().map(|(project, _, queued)| (project, queued)).collect();
    let queued = |place, hold| Queued { place, hold };
    assert_eq!(
        holds,
        [
            (2, queued(1, Hold::Trouble)),
            (1, queued(2, Hold::Total { max: 2 })),
            (0, queued(3, Hold::Project { max: 1 })),
        ]
    );
}
