//! Random models from a grammar of blocks: everything that Skep can run, and always able to end.
//!
//! A block takes a token at one place and gives it back at one place, or ends it. Joins get exactly
//! the tokens of their fork, loops count their rounds, calls of the own process count their depth: so
//! a path that does all jobs, fires all timers and publishes all messages must come to an end.

use std::collections::BTreeSet;

use super::bpmn::{Pending, Scope, escape, extensions, file, timer};
use super::chance::Chance;
use super::decisions;

/// The processes of a model, and the names that a path needs to drive them.
pub(crate) struct Model {
    /// Process id and files, one for each version that a path may deploy.
    pub(crate) processes: Vec<(String, Vec<String>)>,
}

/// Called by the others, but deployed late or never.
pub(crate) const LATE: &str = "late";
pub(crate) const JOB_TYPES: &[&str] = &["t1", "t2", "t3", "io.camunda.zeebe:userTask"];
pub(crate) const MESSAGES: &[&str] = &["m1", "m2", "m3"];
/// An activity must not wait for one name twice: receive tasks take the one, boundary events the others.
const RECEIVED: &str = "m3";
const BOUNDARY_MESSAGES: &[&str] = &["m1", "m2"];
pub(crate) const START_MESSAGES: &[&str] = &["s1", "s2"];
pub(crate) const KEYS: &[&str] = &["k1", "k2", "7"];
pub(crate) const ERRORS: &[&str] = &["E1", "E2", "E3"];

/// Elements of a process, about.
const ELEMENTS_MAX: usize = 30;
const NESTING_MAX: usize = 4;

impl Model {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let mut processes = Vec::new();
        for id in ["main", "callee", LATE] {
            let versions = 1 + chance.below(2);
            let files = (1..=versions).map(|version| process(&mut chance, id, version)).collect();
            processes.push((id.to_owned(), files));
        }
        Self { processes }
    }
}

fn process(chance: &mut Chance, id: &str, version: usize) -> String {
    let elements = if id == "main" { ELEMENTS_MAX } else { ELEMENTS_MAX / 3 };
    let mut writer = Writer {
        budget: 3 + chance.below(elements),
        chance,
        process: id,
        next: 0,
        called_itself: false,
        messages: BTreeSet::new(),
    };
    let mut scope = Scope::default();
    let mut starts = vec![writer.none_start(&mut scope)];
    if id == "main" && writer.chance.percent(30) {
        starts.push(writer.message_start(&mut scope));
    }
    if id == "main" && writer.chance.percent(20) {
        starts.push(writer.timer_start(&mut scope));
    }
    let from = writer.merge(&mut scope, starts);
    let end = writer.chain(&mut scope, from, 0, true);
    if let Some(end) = end {
        writer.end(&mut scope, &end);
    }
    let mut globals = String::new();
    for (name, key) in &writer.messages {
        let subscription = if key.is_empty() {
            String::new()
        } else {
            extensions(&format!(r#"<z:subscription correlationKey="{}"/>"#, escape(key)))
        };
        let id = message_id(name, key);
        globals += &format!("<message id=\"{id}\" name=\"{name}\">{subscription}</message>\n");
    }
    for code in ERRORS {
        globals += &format!("<error id=\"error_{code}\" errorCode=\"{code}\"/>\n");
    }
    file(id, u32::try_from(version).unwrap_or(u32::MAX), &scope.finish(), &globals)
}

fn message_id(name: &str, key: &str) -> String {
    let plain: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("message_{name}_{plain}")
}

struct Writer<'a> {
    chance: &'a mut Chance,
    process: &'a str,
    next: usize,
    /// Elements that may still be added, about.
    budget: usize,
    called_itself: bool,
    /// Messages that are used: name, expression of the key.
    messages: BTreeSet<(String, String)>,
}

impl Writer<'_> {
    fn id(&mut self, kind: &str) -> String {
        self.next += 1;
        self.budget = self.budget.saturating_sub(1);
        format!("{kind}{}", self.next)
    }

    /// An element behind a pending flow.
    fn add(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        (tag, kind): (&str, &str),
        more: &str,
        inner: &str,
    ) -> String {
        let id = self.id(kind);
        scope.node(tag, &format!(r#"id="{id}"{more}"#), inner);
        scope.connect(from, &id);
        id
    }

    fn none_start(&mut self, scope: &mut Scope) -> Pending {
        let id = self.id("start");
        scope.node("startEvent", &format!(r#"id="{id}""#), "");
        Pending::behind(&id)
    }

    fn message_start(&mut self, scope: &mut Scope) -> Pending {
        let id = self.id("message_start");
        let name = self.chance.pick(START_MESSAGES);
        let definition = self.message(name, "");
        scope.node("startEvent", &format!(r#"id="{id}""#), &definition);
        Pending::behind(&id)
    }

    fn timer_start(&mut self, scope: &mut Scope) -> Pending {
        let id = self.id("timer_start");
        let (tag, text) = self.chance.pick(&[
            ("timeCycle", "R3/PT1H"),
            ("timeCycle", "R1/PT10S"),
            ("timeDate", "2026-01-01T01:00:00Z"),
            ("timeDate", "=\"2026-01-02T00:00:00Z\""),
        ]);
        scope.node("startEvent", &format!(r#"id="{id}""#), &timer(tag, text));
        Pending::behind(&id)
    }

    /// One place behind several.
    fn merge(&mut self, scope: &mut Scope, mut from: Vec<Pending>) -> Pending {
        if from.len() == 1 && self.chance.percent(80) {
            return from.remove(0);
        }
        let id = self.id("merge");
        scope.node("exclusiveGateway", &format!(r#"id="{id}""#), "");
        for pending in &from {
            scope.connect(pending, &id);
        }
        Pending::behind(&id)
    }

    /// Blocks in a row. Gives back nothing when an end event ended them, which `may_end` allows.
    fn chain(
        &mut self,
        scope: &mut Scope,
        from: Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let mut at = from;
        let blocks = 1 + self.chance.below(if depth == 0 { 6 } else { 3 });
        for _ in 0..blocks {
            if self.budget == 0 {
                break;
            }
            at = self.block(scope, at, depth, may_end)?;
        }
        if may_end && self.chance.percent(15) {
            self.end(scope, &at);
            return None;
        }
        Some(at)
    }

    fn block(
        &mut self,
        scope: &mut Scope,
        from: Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let nested = depth < NESTING_MAX && self.budget > 3;
        match self.chance.below(if nested { 18 } else { 9 }) {
            0..5 => Some(self.activity(scope, &from, depth, may_end)),
            5 => Some(self.catch(scope, &from)),
            6 => Some(self.pass_through(scope, &from)),
            7 => Some(self.call(scope, &from, depth, may_end)),
            8 => Some(self.script(scope, &from)),
            9 | 10 => self.exclusive(scope, &from, depth, may_end),
            11 | 12 => self.parallel(scope, &from, depth, may_end),
            13 => self.repeated(scope, from, depth, may_end),
            14 => self.first_event(scope, &from, depth, may_end),
            _ => Some(self.sub_process(scope, &from, depth, may_end)),
        }
    }

    /// A job or receive task, perhaps with boundary events.
    fn activity(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        depth: usize,
        may_end: bool,
    ) -> Pending {
        let mappings = self.mappings();
        let id = match self.chance.below(8) {
            0 => {
                let user = r#"<z:assignmentDefinition assignee="anna"/>"#;
                let inner = extensions(&(user.to_owned() + &mappings));
                self.add(scope, from, ("userTask", "user"), "", &inner)
            }
            1 => {
                let reference = self.message_reference(RECEIVED);
                let more = format!(r#" messageRef="{reference}""#);
                self.add(scope, from, ("receiveTask", "receive"), &more, &extensions(&mappings))
            }
            kind => {
                let tag = match kind {
                    2 => ("sendTask", "send"),
                    3 => ("scriptTask", "script_job"),
                    _ => ("serviceTask", "service"),
                };
                let job = self.job();
                self.add(scope, from, tag, "", &extensions(&(job + &mappings)))
            }
        };
        self.boundaries(scope, id, depth, may_end)
    }

    fn job(&mut self) -> String {
        let job_type = self.chance.pick(&["t1", "t2", "t3", "=&quot;t&quot; + string(x)"]);
        let retries = self.chance.pick(&["", " retries=\"1\"", " retries=\"=x\""]);
        let header = self
            .chance
            .pick(&["", r#"<z:taskHeaders><z:header key="a" value="b"/></z:taskHeaders>"#]);
        format!(r#"<z:taskDefinition type="{job_type}"{retries}/>{header}"#)
    }

    /// Input and output mappings: plain, nested, and some that fail until a variable is set.
    fn mappings(&mut self) -> String {
        let mut mappings = String::new();
        if self.chance.percent(75) {
            return mappings;
        }
        for tag in ["input", "output"] {
            for _ in 0..self.chance.below(3) {
                let source = self.chance.pick(&[
                    "=x",
                    "=x + 1",
                    "text",
                    "={\"a\": x, \"b\": [1, x]}",
                    "=assert(x, x != null)",
                    "=missing",
                ]);
                let target = self.chance.pick(&["x", "y", "local", "o.a", "o.b.c", "decision"]);
                // What drives the model has to stay a number.
                let target = if source != "=x" && (target == "x" || target == "decision") {
                    "y"
                } else {
                    target
                };
                mappings += &format!(r#"<z:{tag} source="{}" target="{target}"/>"#, escape(source));
            }
        }
        if mappings.is_empty() {
            mappings
        } else {
            format!("<z:ioMapping>{mappings}</z:ioMapping>")
        }
    }

    fn message(&mut self, name: &str, key: &str) -> String {
        self.messages.insert((name.to_owned(), key.to_owned()));
        format!(r#"<messageEventDefinition messageRef="{}"/>"#, message_id(name, key))
    }

    fn message_reference(&mut self, name: &str) -> String {
        let key = self.chance.pick(&["=key", "=\"k1\"", "=key", "=7"]);
        self.messages.insert((name.to_owned(), key.to_owned()));
        message_id(name, key)
    }

    fn message_trigger(&mut self, name: &str) -> String {
        format!(r#"<messageEventDefinition messageRef="{}"/>"#, self.message_reference(name))
    }

    fn timer_trigger(&mut self) -> String {
        let (tag, text) = self.chance.pick(&[
            ("timeDuration", "PT10S"),
            ("timeDuration", "PT0S"),
            ("timeDuration", "=duration(\"PT\" + string(x) + \"M\")"),
            ("timeDate", "2026-01-01T02:00:00Z"),
            ("timeDuration", "P1D"),
        ]);
        timer(tag, text)
    }

    /// Boundary events around an activity. What they interrupt goes on behind it; what they do not
    /// interrupt ends by itself.
    fn boundaries(
        &mut self,
        scope: &mut Scope,
        host: String,
        depth: usize,
        may_end: bool,
    ) -> Pending {
        let mut exits = vec![Pending::behind(&host)];
        let (mut names, mut codes) = (BOUNDARY_MESSAGES.to_vec(), ERRORS.to_vec());
        let count =
            if self.budget > 0 && self.chance.percent(45) { 1 + self.chance.below(3) } else { 0 };
        for _ in 0..count {
            let interrupting = self.chance.percent(50);
            let kind = if names.is_empty() { 0 } else { self.chance.below(4) };
            let (definition, interrupting) = match kind {
                0 if interrupting => (self.timer_trigger(), true),
                0 => {
                    let cycle = self.chance.pick(&[
                        "R2/PT10S",
                        "R/PT20M",
                        "R3/PT0S",
                        "=cycle(x, duration(\"PT5M\"))",
                    ]);
                    (timer("timeCycle", cycle), false)
                }
                1 => {
                    let at = self.chance.below(names.len());
                    (self.message_trigger(names.remove(at)), interrupting)
                }
                _ => {
                    let at = self.chance.below(codes.len());
                    let code = codes.remove(at);
                    (format!(r#"<errorEventDefinition errorRef="error_{code}"/>"#), true)
                }
            };
            let id = self.id("boundary");
            let attributes =
                format!(r#"id="{id}" attachedToRef="{host}" cancelActivity="{interrupting}""#);
            scope.node("boundaryEvent", &attributes, &definition);
            let at = Pending::behind(&id);
            let at = if depth < NESTING_MAX && self.budget > 0 && self.chance.percent(60) {
                self.chain(scope, at, depth + 1, may_end || !interrupting)
            } else {
                Some(at)
            };
            match at {
                Some(at) if interrupting => exits.push(at),
                Some(at) => self.end(scope, &at),
                None => {}
            }
        }
        if exits.len() == 1 { exits.remove(0) } else { self.merge(scope, exits) }
    }

    fn catch(&mut self, scope: &mut Scope, from: &Pending) -> Pending {
        let trigger = if self.chance.percent(50) {
            let name = self.chance.pick(MESSAGES);
            self.message_trigger(name)
        } else {
            self.timer_trigger()
        };
        let inner = if self.chance.percent(20) {
            extensions(r#"<z:ioMapping><z:output source="=x" target="caught"/></z:ioMapping>"#)
                + &trigger
        } else {
            trigger
        };
        Pending::behind(&self.add(scope, from, ("intermediateCatchEvent", "catch"), "", &inner))
    }

    fn pass_through(&mut self, scope: &mut Scope, from: &Pending) -> Pending {
        let kind = self.chance.pick(&[
            ("manualTask", "manual"),
            ("task", "task"),
            ("intermediateThrowEvent", "throw"),
        ]);
        Pending::behind(&self.add(scope, from, kind, "", ""))
    }

    fn script(&mut self, scope: &mut Scope, from: &Pending) -> Pending {
        if self.chance.percent(40) {
            let inner = decisions::task(self.chance);
            let id = self.add(scope, from, ("businessRuleTask", "rule"), "", &inner);
            return Pending::behind(&id);
        }
        let expression = self.chance.pick(&[
            "x + 1",
            "[x, decision]",
            "assert(x, x != null)",
            "sum(for i in 1..3 return i)",
        ]);
        let script = format!(r#"<z:script expression="={expression}" resultVariable="y"/>"#);
        Pending::behind(&self.add(scope, from, ("scriptTask", "script"), "", &extensions(&script)))
    }

    fn call(&mut self, scope: &mut Scope, from: &Pending, depth: usize, may_end: bool) -> Pending {
        let callee = match (self.process, self.chance.below(10)) {
            ("main", 0..5) => "callee",
            ("main", 5..8) if !self.called_itself => return self.call_itself(scope, from),
            ("main" | "callee", 8..10) => LATE,
            _ => return self.activity(scope, from, depth, may_end),
        };
        let process_id = if self.chance.percent(50) {
            callee.to_owned()
        } else {
            format!("=&quot;{callee}&quot;")
        };
        let parent = self.chance.pick(&["", " propagateAllParentVariables=\"false\""]);
        let child = self.chance.pick(&[
            "",
            " propagateAllChildVariables=\"true\"",
            " propagateAllChildVariables=\"false\"",
        ]);
        // A child that sees nothing of its parent needs what models ask for.
        let mapping = if parent.is_empty() {
            self.mappings()
        } else {
            let of = |name: &str| format!(r#"<z:input source="={name}" target="{name}"/>"#);
            format!("<z:ioMapping>{}{}{}</z:ioMapping>", of("x"), of("key"), of("decision"))
        };
        let inner = extensions(&format!(
            r#"<z:calledElement processId="{process_id}"{parent}{child}/>{mapping}"#
        ));
        let id = self.add(scope, from, ("callActivity", "call"), "", &inner);
        self.boundaries(scope, id, depth, may_end)
    }

    /// The process calls itself, two deep at most.
    fn call_itself(&mut self, scope: &mut Scope, from: &Pending) -> Pending {
        self.called_itself = true;
        let split = self.id("split");
        let default = format!("{split}_default");
        scope.node("exclusiveGateway", &format!(r#"id="{split}" default="{default}""#), "");
        scope.connect(from, &split);
        let deeper = Pending {
            condition: Some("(if depth = null then 0 else depth) < 2".to_owned()),
            ..Pending::behind(&split)
        };
        let inner = extensions(
            r#"<z:calledElement processId="main" propagateAllChildVariables="false"/><z:ioMapping><z:input source="=(if depth = null then 0 else depth) + 1" target="depth"/></z:ioMapping>"#,
        );
        let call = self.add(scope, &deeper, ("callActivity", "call_self"), "", &inner);
        let not = Pending { flow: Some(default), ..Pending::behind(&split) };
        self.merge(scope, vec![Pending::behind(&call), not])
    }

    fn exclusive(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let split = self.id("split");
        let with_default = self.chance.percent(60);
        let default = format!("{split}_default");
        let attribute =
            if with_default { format!(r#" default="{default}""#) } else { String::new() };
        scope.node("exclusiveGateway", &format!(r#"id="{split}"{attribute}"#), "");
        scope.connect(from, &split);
        let branches = 2 + self.chance.below(2);
        let mut exits = Vec::new();
        for branch in 0..branches {
            let mut start = Pending::behind(&split);
            if with_default && branch == 0 {
                start.flow = Some(default.clone());
            } else {
                let operator = self.chance.pick(&["=", ">", "<="]);
                start.condition = Some(format!("decision {operator} {branch}"));
                start.flow = Some(format!("{split}_{branch}"));
            }
            exits.extend(if self.chance.percent(70) {
                self.chain(scope, start, depth + 1, may_end)
            } else {
                Some(start)
            });
        }
        if exits.is_empty() { None } else { Some(self.merge(scope, exits)) }
    }

    fn parallel(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let fork = self.add(scope, from, ("parallelGateway", "fork"), "", "");
        let branches = 2 + self.chance.below(2);
        let joined = !may_end || self.chance.percent(70);
        let mut exits = Vec::new();
        for branch in 0..branches {
            let start =
                Pending { flow: Some(format!("{fork}_{branch}")), ..Pending::behind(&fork) };
            exits.extend(self.chain(scope, start, depth + 1, !joined));
        }
        if !joined {
            for exit in &exits {
                self.end(scope, exit);
            }
            return None;
        }
        let join = self.id("join");
        scope.node("parallelGateway", &format!(r#"id="{join}""#), "");
        for exit in &exits {
            scope.connect(exit, &join);
        }
        Some(Pending::behind(&join))
    }

    /// A loop of two or three rounds.
    fn repeated(
        &mut self,
        scope: &mut Scope,
        from: Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let head = self.id("head");
        scope.node("exclusiveGateway", &format!(r#"id="{head}""#), "");
        scope.connect(&from, &head);
        let counter = format!("n_{head}");
        let script = format!(
            r#"<z:script expression="=(if {counter} = null then 0 else {counter}) + 1" resultVariable="{counter}"/>"#
        );
        let body = self.add(
            scope,
            &Pending::behind(&head),
            ("scriptTask", "count"),
            "",
            &extensions(&script),
        );
        let body = self.chain(scope, Pending::behind(&body), depth + 1, may_end)?;
        let split = self.id("split");
        let default = format!("{split}_default");
        scope.node("exclusiveGateway", &format!(r#"id="{split}" default="{default}""#), "");
        scope.connect(&body, &split);
        let rounds = 2 + self.chance.below(2);
        let again =
            Pending { condition: Some(format!("{counter} < {rounds}")), ..Pending::behind(&split) };
        scope.connect(&again, &head);
        Some(Pending { flow: Some(default), ..Pending::behind(&split) })
    }

    fn first_event(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        depth: usize,
        may_end: bool,
    ) -> Option<Pending> {
        let gateway = self.add(scope, from, ("eventBasedGateway", "events"), "", "");
        let mut names = MESSAGES.to_vec();
        let mut exits = Vec::new();
        for _ in 0..2 + self.chance.below(2) {
            let trigger = if self.chance.percent(60) {
                let at = self.chance.below(names.len());
                self.message_trigger(names.remove(at))
            } else {
                self.timer_trigger()
            };
            let behind = Pending::behind(&gateway);
            let id = self.add(scope, &behind, ("intermediateCatchEvent", "event"), "", &trigger);
            exits.extend(if self.chance.percent(40) {
                self.chain(scope, Pending::behind(&id), depth + 1, may_end)
            } else {
                Some(Pending::behind(&id))
            });
        }
        if exits.is_empty() { None } else { Some(self.merge(scope, exits)) }
    }

    fn sub_process(
        &mut self,
        scope: &mut Scope,
        from: &Pending,
        depth: usize,
        may_end: bool,
    ) -> Pending {
        let id = self.id("sub");
        let mut inside = Scope::default();
        let start = self.none_start(&mut inside);
        if let Some(end) = self.chain(&mut inside, start, depth + 1, true) {
            self.end(&mut inside, &end);
        }
        let mappings = extensions(&self.mappings());
        scope.node("subProcess", &format!(r#"id="{id}""#), &(mappings + &inside.finish()));
        scope.connect(from, &id);
        self.boundaries(scope, id, depth, may_end)
    }

    fn end(&mut self, scope: &mut Scope, from: &Pending) {
        let inner = match self.chance.below(20) {
            0 | 1 => {
                let code = self.chance.pick(ERRORS);
                format!(r#"<errorEventDefinition errorRef="error_{code}"/>"#)
            }
            2 | 3 => "<terminateEventDefinition/>".to_owned(),
            4 => extensions(&self.job()) + "<messageEventDefinition/>",
            5 => {
                extensions(r#"<z:ioMapping><z:output source="=x" target="at_end"/></z:ioMapping>"#)
            }
            _ => String::new(),
        };
        self.add(scope, from, ("endEvent", "end"), "", &inner);
    }
}
