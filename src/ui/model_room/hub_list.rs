//! The short list of the hub's models, each with size, licence and what fits here, and the field for any other model.

use egui::{Grid, Label, RichText, Sense, TextEdit, Ui, WidgetInfo};

use super::super::{Ctx, icons, kit};
use crate::hub::curated::{self, Curated, Kind, Variant};
use crate::session::words::{bytes, parameters};
use crate::session::{Command, DeviceFit, Fits, HubCommand, ModelCommand, Use};

/// Draws the hub's part of the room.
pub fn hub_ui(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    kit::caption(ui, ctx.theme, "From the Hugging Face hub");
    ui.add_space(2.0);
    field(ctx, ui);
    ui.add_space(8.0);
    let fit = DeviceFit::of(ctx.state);
    Grid::new("hub models")
        .num_columns(5)
        .spacing([14.0, 4.0])
        .min_row_height(30.0)
        .show(ui, |ui| {
            for title in ["Model", "Size", "Licence", "Fits here", "Download"] {
                ui.label(kit::muted(ctx.theme, title).small());
            }
            ui.end_row();
            for (index, model) in curated::models().iter().enumerate() {
                row(ctx, ui, model, &fit, index);
                ui.end_row();
            }
        });
    let about = match fit.memory {
        Some(memory) => format!(
            "Fits: estimated for one row of 1,024 tokens, with weights of 16 bits (QLoRA: 4 bits), of {} of memory.",
            bytes(memory)
        ),
        None => {
            "Whether a model fits is unknown: the driver of this device does not tell how much memory it has.".into()
        }
    };
    ui.add_space(4.0);
    ui.label(kit::muted(ctx.theme, about).small());
}

fn field(ctx: &mut Ctx<'_>, ui: &mut Ui) {
    const NAME: &str = "Model on the hub";
    let hub = &ctx.state.hub;
    let (text, notice) = (hub.text.clone(), hub.notice.clone());
    ui.horizontal(|ui| {
        let mut edited = text.clone();
        let hint = "OWNER/NAME, or OWNER/NAME@REVISION";
        let field = TextEdit::singleline(&mut edited)
            .id_salt(NAME)
            .hint_text(hint)
            .desired_width(300.0);
        let response = ui.add(field);
        response.widget_info(|| WidgetInfo {
            label: Some(NAME.into()),
            ..WidgetInfo::text_edit(true, &text, &text, hint)
        });
        let by_key = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let by_button = kit::button(ui, icons::DOWNLOAD, "Download").clicked();
        if edited != text {
            ctx.send(Command::Hub(HubCommand::Text(edited.clone())));
        }
        if (by_key || by_button) && !edited.trim().is_empty() {
            ctx.send(Command::Hub(HubCommand::FetchTyped));
        }
    });
    if let Some(notice) = notice {
        ui.colored_label(ctx.theme.error(), notice);
    }
}

fn row(ctx: &mut Ctx<'_>, ui: &mut Ui, model: &Curated, fit: &DeviceFit, index: usize) {
    let theme = ctx.theme;
    let name = ui.label(kit::strong(&model.name));
    name.on_hover_text(format!("{} parameters", parameters(model.parameters)));
    let size = model.variants.first().map_or(0, |v| v.bytes);
    ui.label(bytes(size)).on_hover_text("Weight files of the base model");
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        let page = &model.licence_page;
        let licence = kit::link(ui, theme, &model.licence).on_hover_text(format!("Read it at {page}"));
        if licence.clicked() {
            ui.ctx().open_url(egui::OpenUrl::new_tab(page));
        }
        if model.gated {
            let why = "Gated: accept the licence on the model's page once, then download with your token";
            let lock = ui.add(Label::new(RichText::new(icons::LOCK).color(theme.warn())).sense(Sense::hover()));
            lock.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{} is gated", model.name)));
            lock.on_hover_text(why);
        }
    });
    ui.horizontal(|ui| {
        for wanted in Use::ALL {
            verdict(ctx, ui, model, wanted, fit, index);
        }
    });
    ui.horizontal(|ui| {
        for variant in &model.variants {
            action(ctx, ui, model, variant);
        }
    });
}

/// A mark and a word: does this use fit?
fn verdict(ctx: &Ctx<'_>, ui: &mut Ui, model: &Curated, wanted: Use, fit: &DeviceFit, index: usize) {
    let theme = ctx.theme;
    let needs = ctx.state.hub.needs.get(index).copied().unwrap_or_default();
    let fits = needs.fits(wanted, fit.memory);
    let (icon, colour, word) = match fits {
        Fits::Yes => (icons::CHECK, theme.ok(), "fits"),
        Fits::No => (icons::X, theme.error(), "does not fit"),
        Fits::Unknown => (icons::QUESTION, theme.muted(), "unknown"),
    };
    let text = RichText::new(format!("{icon} {}", wanted.word())).small().color(colour);
    let label = ui.label(text);
    let name = format!("{}: {} {word}", model.name, wanted.word());
    label.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    let need = needs
        .of_use(wanted)
        .map(|need| format!(", needs about {}", bytes(need)));
    let later = if wanted == Use::Qlora {
        ". Training by QLoRA comes in a later version"
    } else {
        ""
    };
    label.on_hover_text(format!("{} {word}{}{later}", wanted.word(), need.unwrap_or_default()));
}

/// Downloads a variant, or opens the one that is there.
fn action(ctx: &mut Ctx<'_>, ui: &mut Ui, model: &Curated, variant: &Variant) {
    let (repo, word) = (&variant.repo, variant.kind.word());
    let hub = &ctx.state.hub;
    let loading = hub.download.as_ref().is_some_and(|d| d.model == *repo) || hub.waiting.contains(repo);
    let here = hub.cached.contains(repo);
    let label = match variant.kind {
        Kind::Base => "Base",
        Kind::Instruct => "Instruct",
    };
    let (icon, verb) = if here {
        (icons::CHECK, "Use")
    } else {
        (icons::DOWNLOAD, "Download")
    };
    let name = format!("{verb} {} {word}", model.name);
    let response = ui.add_enabled(!loading, egui::Button::new((icon, label)));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, !loading, &name));
    let what = match variant.kind {
        Kind::Base => "Continues text; what training makes an assistant of",
        Kind::Instruct => "An assistant already, for comparison or further training",
    };
    let tip = format!("{name} ({repo}, about {}). {what}.", bytes(variant.bytes));
    if response
        .on_hover_text(tip)
        .on_disabled_hover_text("It is on its way")
        .clicked()
    {
        ctx.send(if here {
            Command::Model(ModelCommand::Open(repo.clone()))
        } else {
            Command::Hub(HubCommand::Fetch(repo.clone()))
        });
    }
}
