//! What Python makes lazily: generators, which give their items once, and views of dicts. They can be looped over but are no
//! lists. Knows values, not templates.
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

/// A generator or a view.
#[derive(Debug)]
pub(super) struct Lazy {
    type_name: &'static str,
    items: Mutex<Vec<Value>>,
    once: bool,
}

impl Lazy {
    /// What a filter such as `map` or `select` gives.
    pub fn generator(items: Vec<Value>) -> Value {
        made("generator", items, true)
    }

    /// What `dict.items()` and its like give.
    pub fn view(type_name: &'static str, items: Vec<Value>) -> Value {
        made(type_name, items, false)
    }

    /// Python's name for it.
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }
}

fn made(type_name: &'static str, items: Vec<Value>, once: bool) -> Value {
    let items = Mutex::new(items);
    Value::from_object(Lazy { type_name, items, once })
}

impl Object for Lazy {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Iterable
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let given = if self.once {
            std::mem::take(&mut *items)
        } else {
            items.clone()
        };
        if self.once {
            // Without a length: Python's generators have none.
            let mut given = given.into_iter();
            return Enumerator::Iter(Box::new(std::iter::from_fn(move || given.next())));
        }
        Enumerator::Values(given)
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        (!self.once).then_some(items.len())
    }
}
