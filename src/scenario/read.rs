//! Turns a tree into a typed value with serde, so that every fault carries the place it came from.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, VariantAccess,
    Visitor, value::StrDeserializer,
};

use super::fault::{Fault, What, owned};
use super::tree::{Entry, Node, Step, Table, Value};

/// Reads one node. Stricter than formats usually are: a table is never read from a list, no item of a
/// list is left over, and no key is skipped.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a Value);

impl<'a> Reader<'a> {
    fn unsuited(expected: &dyn Expected) -> Fault {
        Fault::new(What::Unsuited {
            expected: expected.to_string(),
        })
    }

    fn list<V: Visitor<'a>>(items: &'a [Node], visitor: V) -> Result<V::Value, Fault> {
        // The visitor is asked for its length once it has been used up, so ask before.
        let expected = (&visitor as &dyn Expected).to_string();
        let mut list = List { items, next: 0 };
        let value = visitor.visit_seq(&mut list)?;
        if list.next < items.len() {
            return Err(Fault::new(What::Length {
                found: items.len(),
                expected,
            }));
        }
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => visitor.visit_f64(*number as f64),
            },
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::Date => Err(Self::unsuited(&visitor)),
            Value::Array(items) => Self::list(items, visitor),
            Value::Table(table) => visitor.visit_map(Entries::new(table)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Table(table) => visitor.visit_map(Entries::new(table)),
            _ => Err(Self::unsuited(&visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        kinds: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Kind { name, entry: None }),
            Value::Table(Table(entries)) => match entries.as_slice() {
                [] => Err(Fault::new(What::NoKind {
                    kinds: owned(kinds),
                })),
                [entry] => visitor.visit_enum(Kind {
                    name: &entry.key,
                    entry: Some(entry),
                }),
                [first, second, ..] => Err(entries
                    .iter()
                    .find(|entry| !kinds.contains(&entry.key.as_str()))
                    .map_or_else(
                        || {
                            Fault::new(What::TwoKinds {
                                first: (first.key.clone(), first.at.clone()),
                                second: (second.key.clone(), second.at.clone()),
                            })
                        },
                        |entry| {
                            Fault::new(What::UnknownKind {
                                name: entry.key.clone(),
                                kinds: owned(kinds),
                            })
                            .at(&entry.at)
                        },
                    )),
            },
            _ => Err(Self::unsuited(&visitor)),
        }
    }

    /// Called for keys a type does not know and does not refuse. Nothing written is passed over.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
        Err(Fault::new(What::Ignored))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

/// The items of a list.
struct List<'a> {
    items: &'a [Node],
    next: usize,
}

impl<'a> SeqAccess<'a> for List<'a> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader(&item.value))
            .map(Some)
            .map_err(|fault| fault.at(&item.place).below(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// The entries of a table.
pub(super) struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(table: &'a Table) -> Self {
        Self {
            rest: table.0.iter(),
            current: None,
        }
    }
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        seed.deserialize(StrDeserializer::new(&entry.key))
            .map(Some)
            .map_err(|fault: Fault| fault.at(&entry.at))
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.current else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(Reader(&entry.node.value))
            .map_err(|fault| fault.at(entry.blamed()).below(Step::Key(entry.key.clone())))
    }
}

/// One kind of several: a bare name (`"none"`), or a table with its name (`[target.ring]`).
struct Kind<'a> {
    name: &'a str,
    entry: Option<&'a Entry>,
}

impl Kind<'_> {
    /// The fault as seen from the value that names the kind.
    fn place(&self, fault: Fault) -> Fault {
        match self.entry {
            Some(entry) => fault.at(entry.blamed()).below(Step::Key(entry.key.clone())),
            None => fault,
        }
    }
}

impl<'a> EnumAccess<'a> for Kind<'a> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'a>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let kind = seed
            .deserialize(StrDeserializer::new(self.name))
            .map_err(|fault: Fault| match self.entry {
                Some(entry) => fault.at(&entry.at),
                None => fault,
            })?;
        Ok((kind, self))
    }
}

impl<'a> VariantAccess<'a> for Kind<'a> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.entry.map(|entry| &entry.node.value) {
            None => Ok(()),
            Some(Value::Table(Table(settings))) if settings.is_empty() => Ok(()),
            Some(_) => Err(self.place(Fault::new(What::NoSettings {
                name: self.name.to_owned(),
            }))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Fault> {
        match self.entry {
            Some(entry) => seed
                .deserialize(Reader(&entry.node.value))
                .map_err(|fault| self.place(fault)),
            None => Err(self.bare()),
        }
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.entry {
            Some(entry) => Reader(&entry.node.value)
                .deserialize_any(visitor)
                .map_err(|fault| self.place(fault)),
            None => Err(self.bare()),
        }
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.entry {
            Some(entry) => Reader(&entry.node.value)
                .deserialize_struct("", fields, visitor)
                .map_err(|fault| self.place(fault)),
            None => Err(self.bare()),
        }
    }
}

impl Kind<'_> {
    fn bare(&self) -> Fault {
        Fault::new(What::BareKind {
            name: self.name.to_owned(),
        })
    }
}
