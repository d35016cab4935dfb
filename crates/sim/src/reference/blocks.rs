//! `for` and `fork`: a list once per item, and branches side by side.

use provost_model::program::{Flow, ForTask, ForkTask, TaskIx};
use provost_model::{Problem, Value};

use super::evaluate::Seen;
use super::flow::{About, Entered, Interpreter, List, Node, Stop, Went};
use super::places::Scope;
use super::tasks::Kind;

/// A branch of a fork, with a context of its own.
pub(super) struct Branch<'c> {
    ix: TaskIx,
    context: Value,
    /// Its task, while it is open.
    pub open: Option<Box<Node<'c>>>,
    output: Option<Value>,
    begun: bool,
}

impl<'c> Interpreter<'c> {
    pub(super) fn items(&self, task: &ForTask, input: &Value, seen: &Seen<'_>) -> Result<Vec<Value>, Problem> {
        let items = self.render(&task.items, input, seen)?;
        let list = items.as_array().ok_or_else(|| Problem::standard("expression", 400, "`for.in` is no list"))?;
        if list.len() as u64 > self.code.program.limits.branches {
            return Err(Problem::ours("too-many-items", 413, "`for.in` has too many items"));
        }
        Ok(list.to_vec())
    }

    pub(super) fn branches(&self, task: &ForkTask, context: &Value) -> Result<Kind<'c>, Problem> {
        if task.branches.len() as u64 > self.code.program.limits.branches {
            return Err(Problem::ours("too-many-items", 413, "the fork has too many branches"));
        }
        let branch = |ix: &TaskIx| Branch { ix: *ix, context: context.clone(), open: None, output: None, begun: false };
        Ok(Kind::Fork(task.branches.iter().map(branch).collect()))
    }

    /// A `for`: its items in order; what one hands on is the next one's input.
    pub(super) fn each(
        &mut self,
        about: &About<'c>,
        task: &'c ForTask,
        (items, index, body, carried): (&[Value], &mut usize, &mut Option<List<'c>>, &mut Value),
        context: &mut Value,
    ) -> Went {
        loop {
            if let Some(list) = body {
                match self.list(list, context)? {
                    None => return Ok(None),
                    Some(output) => {
                        *carried = output;
                        *index += 1;
                    }
                }
            }
            let Some(item) = items.get(*index) else {
                return self.complete(about, carried.clone(), about.task.then.clone(), context);
            };
            let names = vec![(task.each.clone(), item.clone()), (task.at.clone(), Value::Int(i64::try_from(*index).unwrap_or(0)))];
            let mut seen = about.seen(context);
            seen.names.clone_from(&names);
            let another = task.condition.map_or(Ok(true), |condition| self.holds(condition, carried, &seen));
            if !matches!(another, Ok(false)) {
                self.in_time(&about.at)?;
            }
            match another {
                Err(problem) => return Err(self.fails(about, problem)),
                Ok(false) => return self.complete(about, carried.clone(), about.task.then.clone(), context),
                Ok(true) => {
                    self.note(&format!("iterated {index}"), &about.at);
                    let scope = Scope::naming(about.at.iteration(*index as u64), names, &about.scope);
                    *body = Some(List::new(scope, &task.body, carried.clone()));
                }
            }
        }
    }

    /// A `fork`: all branches are entered, then those that are open go on, both in declared order.
    pub(super) fn fork(&mut self, about: &About<'c>, task: &ForkTask, branches: &mut [Branch<'c>], context: &mut Value) -> Went {
        let (scope, mut ended) = (Scope::plain(about.at.clone(), &about.scope), false);
        for begins in [true, false] {
            for branch in branches.iter_mut().filter(|branch| branch.output.is_none() && branch.begun != begins) {
                let went = match &mut branch.open {
                    Some(node) => self.go_on(node, &mut branch.context)?,
                    None => {
                        branch.begun = true;
                        match self.enter(branch.ix, about.input.clone(), &scope, 1, &mut branch.context)? {
                            Entered::Ended(output, flow) => Some((output, flow)),
                            Entered::Open(node) => {
                                branch.open = Some(node);
                                None
                            }
                        }
                    }
                };
                let Some((output, flow)) = went else { continue };
                if flow == Flow::End {
                    return Err(Stop::End(output));
                }
                (branch.open, branch.output) = (None, Some(output.clone()));
                ended = true;
                if task.compete {
                    self.leaves(&about.at);
                    let won = [branch.context.clone()];
                    return self.join(about, output, about.task.then.clone(), context, &won);
                }
            }
        }
        let outputs: Option<Vec<Value>> = branches.iter().map(|branch| branch.output.clone()).collect();
        let Some(outputs) = outputs else {
            return if ended { self.in_time(&about.at).map(|()| None) } else { Ok(None) };
        };
        let contexts: Vec<Value> = branches.iter().map(|branch| branch.context.clone()).collect();
        self.join(about, Value::array(outputs), about.task.then.clone(), context, &contexts)
    }
}
