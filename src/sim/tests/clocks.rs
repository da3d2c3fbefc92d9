//! Wall clocks that are wrong, jump and are set back.

use super::{FIRST, agree_throughout, agree_within, natives, no_violations};
use crate::sim::setup::{Kind, Spec};

const HOUR: i64 = 3_600_000;

#[test]
fn a_drained_server_that_restarted_with_its_clock_set_back_is_offline_everywhere() {
    let mut world = natives(6);
    world.restart(FIRST, Spec { wall_offset: 3 * HOUR, ..Spec::of(Kind::Native) });
    agree_within(&mut world, 10_000);
    // Nobody tells it of its earlier life before it is drained.
    world.partition(|host| host == FIRST);
    world.store.suffer(crate::sim::store::Fault::Down);
    world.restart(FIRST, Spec { wall_offset: -3 * HOUR, ..Spec::of(Kind::Native) });
    world.run_for(500);
    world.control(FIRST, false);
    world.run_for(500);
    world.heal();
    agree_within(&mut world, 75_000);
    agree_throughout(&mut world, 30_000);
    world.control(FIRST, true);
    agree_within(&mut world, 2_000);
    agree_throughout(&mut world, 30_000);
    no_violations(&world);
}
