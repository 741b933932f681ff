//! One room alone, drawn from a state that the test makes; effects are collected, never carried out.

use burnish::session::{Command, Effect, ModelCard, State, apply};
use burnish::ui::{Ctx, Theme, style};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

type Draw = fn(&mut Ctx<'_>, &mut egui::Ui);

/// A state and what it wanted done.
pub struct Scene {
    pub state: State,
    pub effects: Vec<Effect>,
}

/// A room on a stage.
pub struct Stage {
    pub harness: Harness<'static, Scene>,
}

impl Stage {
    /// The room `draw` with a state, in the dark or the light theme.
    pub fn new(draw: Draw, state: State, size: [f32; 2], dark: bool) -> Self {
        let theme = Theme::new(dark);
        let mut installed = false;
        let frame = move |ui: &mut egui::Ui, scene: &mut Scene| {
            if !installed {
                style::install(ui.ctx());
                ui.ctx()
                    .set_theme(if dark { egui::Theme::Dark } else { egui::Theme::Light });
                installed = true;
                ui.ctx().request_repaint();
                return;
            }
            let mut out = Vec::new();
            draw(
                &mut Ctx {
                    state: &scene.state,
                    out: &mut out,
                    theme: &theme,
                },
                ui,
            );
            for command in out {
                scene.effects.extend(apply(&mut scene.state, command));
                ui.ctx().request_repaint();
            }
        };
        let scene = Scene {
            state,
            effects: Vec::new(),
        };
        let harness = Harness::builder()
            .with_size(size)
            .with_pixels_per_point(1.0)
            .with_max_steps(30)
            .wgpu()
            .build_ui_state(frame, scene);
        let mut stage = Self { harness };
        stage.settle();
        stage
    }

    /// Runs frames until nothing moves; spinners and cursors may go on.
    pub fn settle(&mut self) {
        self.harness.run_ok();
    }

    pub fn state(&mut self) -> &mut State {
        &mut self.harness.state_mut().state
    }

    /// What the room wanted done since the last call.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.harness.state_mut().effects)
    }

    pub fn send(&mut self, command: Command) {
        let scene = self.harness.state_mut();
        let effects = apply(&mut scene.state, command);
        scene.effects.extend(effects);
        self.settle();
    }

    pub fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.settle();
    }

    pub fn shows(&self, text: &str) -> bool {
        self.harness.query_all_by_label_contains(text).next().is_some()
    }

    /// Types into the field of this name.
    pub fn type_into(&mut self, name: &str, text: &str) {
        self.harness.get_by_label(name).focus();
        self.settle();
        self.harness.get_by_label(name).type_text(text);
        self.settle();
    }

    pub fn snapshot(&mut self, name: &str) {
        self.harness.remove_cursor();
        // A caret that blinks would make pictures differ.
        self.harness.ctx.memory_mut(|m| m.stop_text_input());
        self.settle();
        self.harness.snapshot(name);
    }
}

/// The card of the starter.
pub fn starter() -> ModelCard {
    ModelCard {
        path: "starter".into(),
        name: "Starter".into(),
        architecture: "Llama".into(),
        parameters: 4_100_000,
        context: 512,
        vocab: 3072,
        bytes: 8_200_000,
        has_template: false,
        config: None,
        tried: None,
        details: Vec::new(),
    }
}

/// A state with the starter selected.
pub fn with_starter() -> State {
    let mut state = State::default();
    state.model.cards.push(starter());
    state.model.selected = Some("starter".into());
    state
}
