//! A graph under construction: what is added twice is there once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::quick::{Quick, source};
use super::{Entry, Graph, Node, NodeId, Pattern, Variable};
use crate::bind::Layout;
use crate::value::Stored;

/// Builds a [`Graph`].
#[derive(Debug, Default)]
pub(crate) struct Builder {
    graph: Graph,
    nodes: HashMap<Node, NodeId>,
    lists: HashMap<Box<[u32]>, Entry>,
    constants: BTreeMap<Stored, Entry>,
    names: HashMap<Arc<str>, Entry>,
    paths: HashMap<Box<[Arc<str>]>, Entry>,
    patterns: BTreeMap<Pattern, Entry>,
    /// How often conditions read each path of the context.
    facts: HashMap<Entry, u32>,
}

impl Builder {
    pub(crate) fn node(&mut self, node: Node) -> NodeId {
        if let Node::Fact { root: Variable::Context, path } = node {
            let uses = self.facts.entry(path).or_default();
            *uses = uses.saturating_add(1);
        }
        let next = NodeId(count(&self.graph.nodes));
        let id = *self.nodes.entry(node).or_insert(next);
        if id == next {
            self.graph.nodes.push(node);
        }
        id
    }

    pub(crate) fn constant(&mut self, value: Stored) -> NodeId {
        let entry = match self.constants.get(&value) {
            Some(entry) => *entry,
            None => {
                let entry = Entry(count(&self.graph.constants));
                self.graph.constants.push(value.clone());
                self.constants.insert(value, entry);
                entry
            }
        };
        self.node(Node::Constant(entry))
    }

    pub(crate) fn name(&mut self, name: &str) -> Entry {
        if let Some(entry) = self.names.get(name) {
            return *entry;
        }
        let entry = Entry(count(&self.graph.names));
        let name: Arc<str> = name.into();
        self.graph.names.push(Arc::clone(&name));
        self.names.insert(name, entry);
        entry
    }

    pub(crate) fn names(&mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Entry {
        let list = names.into_iter().map(|name| self.name(name.as_ref()).0).collect();
        self.list(list)
    }

    pub(crate) fn path(&mut self, names: impl IntoIterator<Item = impl AsRef<str>>) -> Entry {
        let path: Box<[Arc<str>]> = names.into_iter().map(|name| Arc::from(name.as_ref())).collect();
        if let Some(entry) = self.paths.get(&path) {
            return *entry;
        }
        let entry = Entry(count(&self.graph.paths));
        self.graph.paths.push(path.clone());
        self.paths.insert(path, entry);
        entry
    }

    pub(crate) fn nodes(&mut self, nodes: impl IntoIterator<Item = NodeId>) -> Entry {
        self.list(nodes.into_iter().map(|node| node.0).collect())
    }

    pub(crate) fn fields(&mut self, fields: impl IntoIterator<Item = (Entry, NodeId)>) -> Entry {
        self.list(fields.into_iter().flat_map(|(name, node)| [name.0, node.0]).collect())
    }

    pub(crate) fn pattern(&mut self, pattern: Pattern) -> Entry {
        if let Some(entry) = self.patterns.get(&pattern) {
            return *entry;
        }
        let entry = Entry(count(&self.graph.patterns));
        self.graph.patterns.push(pattern.clone());
        self.patterns.insert(pattern, entry);
        entry
    }

    fn list(&mut self, list: Vec<u32>) -> Entry {
        let list = list.into_boxed_slice();
        if let Some(entry) = self.lists.get(&list) {
            return *entry;
        }
        let entry = Entry(count(&self.graph.lists));
        self.graph.lists.push(list.clone());
        self.lists.insert(list, entry);
        entry
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph, and where the facts of the context that it reads are bound.
    pub(crate) fn finish(self) -> (Graph, Layout) {
        let mut graph = self.graph;
        let layout = Layout::of(self.facts.into_iter().map(|(path, uses)| (graph.path(path), uses)));
        graph.quick = graph.ids().map(|id| Quick::of(&graph, &layout, id)).collect();
        graph.sources = graph.ids().map(|id| source(&graph, &layout, id)).collect();
        graph.nodes.shrink_to_fit();
        graph.lists.shrink_to_fit();
        graph.constants.shrink_to_fit();
        (graph, layout)
    }
}

/// A list's length. `u32::MAX` entries would take more memory than a program may have (see `Program::LIMIT`).
fn count<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
