//! How much of a run's micro-batches is padding. Knows lengths, no tokens.

use crate::batch::{Order, OrderOptions};

/// Share of the places of an epoch's micro-batches that hold padding, from 0 to 1; 0 without rows.
pub(super) fn padded(lengths: &[usize], options: OrderOptions) -> f64 {
    let order = Order::new(lengths, options);
    let (mut places, mut tokens) = (0, 0);
    for rows in order.epoch(0).iter().flat_map(|step| &step.micro_batches) {
        let sizes = rows
            .iter()
            .map(|row| row.iter().map(|index| lengths[*index]).sum::<usize>());
        let (sum, longest) = sizes.fold((0, 0), |(sum, longest), size| (sum + size, longest.max(size)));
        places += longest * rows.len();
        tokens += sum;
    }
    if places == 0 {
        return 0.0;
    }
    (places - tokens) as f64 / places as f64
}
