//! Charts of runs: thin lines with marked axes, a cursor that all charts of a room share, a box that zooms. Knows points, not what
//! they are.
mod legend;
mod marks;

use egui::{Color32, Id, PointerButton, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, Line, Plot, PlotBounds, PlotPoints, PlotTransform, PlotUi, Points, VLine};

pub use legend::{legend_entry, legend_mark, shortened};

use super::Theme;
use crate::session::words::{duration, small, thousands};
use crate::session::{Along, Chart, Zoom};

/// Height between two marks of the upright axis.
const PIXELS_A_MARK: f64 = 34.0;
/// A box that is smaller is a click.
const LEAST_BOX: f32 = 6.0;

/// A line, or points where `dots` is set.
pub struct Track {
    pub colour: Color32,
    pub width: f32,
    /// Position along the axis, and value.
    pub points: Vec<[f64; 2]>,
    pub dots: bool,
}

impl Track {
    /// A line.
    pub fn line(colour: Color32, width: f32, points: Vec<[f64; 2]>) -> Self {
        Self {
            colour,
            width,
            points,
            dots: false,
        }
    }

    /// Points.
    pub fn dots(colour: Color32, points: Vec<[f64; 2]>) -> Self {
        Self {
            colour,
            width: 4.0,
            points,
            dots: true,
        }
    }
}

/// What the lower axis says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Steps, tokens or time of a run.
    Run(Along),
    /// Any number; positions are its decimal logarithms.
    Logarithmic,
}

/// A picture to be drawn.
pub struct Picture<'a> {
    pub chart: Chart,
    /// What a screen reader calls it.
    pub name: &'a str,
    pub height: f32,
    /// Is the upright axis logarithmic? Values that are not above 0 are left out.
    pub logarithmic: bool,
    pub along: Axis,
    /// What is in view along the axis.
    pub view: (f64, f64),
    pub zoom: Option<Zoom>,
    /// How a value of the upright axis is written.
    pub number: fn(f64) -> String,
}

/// The name of the lower axis, under a picture that is to be kept.
pub fn axis_name(ui: &mut Ui, theme: &Theme, name: &str) {
    ui.vertical_centered(|ui| ui.label(egui::RichText::new(name).size(11.0).color(theme.muted())));
}

/// What the pointer did in a picture.
pub struct Answer {
    pub response: Response,
    /// Position along the axis under the pointer.
    pub hovered: Option<f64>,
    /// Position along the axis that was clicked.
    pub clicked: Option<f64>,
    /// `Some(None)` = show everything again.
    pub zoomed: Option<Option<Zoom>>,
}

/// Draws the picture. `cursor` is a position along the axis that is marked with a line.
pub fn chart_ui(ui: &mut Ui, theme: &Theme, picture: &Picture<'_>, tracks: Vec<Track>, cursor: Option<f64>) -> Answer {
    let upright = picture
        .zoom
        .filter(|z| z.upright.0 == picture.chart)
        .map(|z| (z.upright.1, z.upright.2));
    let view = picture.view;
    let line_colour = theme.muted();
    let logarithmic = picture.logarithmic;
    let shown = plot(theme, picture).show(ui, move |p: &mut PlotUi<'_>| {
        p.set_auto_bounds([false, true]);
        p.set_plot_bounds_x(view.0..=view.1);
        if let Some((low, high)) = upright {
            p.set_plot_bounds_y(low..=high);
        }
        for track in tracks {
            add(p, track, logarithmic);
        }
        if let Some(x) = cursor {
            p.vline(VLine::new("", x).color(line_colour).width(1.0).allow_hover(false));
        }
    });
    let (response, transform) = (shown.response, shown.transform);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, picture.name));
    let at = |pos: Pos2| transform.value_from_position(pos).x;
    let inside = response.hover_pos().filter(|pos| transform.frame().contains(*pos));
    let zoomed = zoom_of(ui, theme, &response, &transform, picture.chart);
    Answer {
        hovered: inside.map(at),
        clicked: response.interact_pointer_pos().filter(|_| response.clicked()).map(at),
        zoomed,
        response,
    }
}

fn add(p: &mut PlotUi<'_>, track: Track, logarithmic: bool) {
    let mut points = track.points;
    if logarithmic {
        points.retain(|point| point[1] > 0.0);
        points.iter_mut().for_each(|point| point[1] = point[1].log10());
    }
    if points.is_empty() {
        return;
    }
    let points = PlotPoints::from(points);
    if track.dots {
        p.points(
            Points::new("", points)
                .color(track.colour)
                .radius(track.width)
                .filled(true)
                .allow_hover(false),
        );
    } else {
        p.line(
            Line::new("", points)
                .color(track.colour)
                .width(track.width)
                .allow_hover(false),
        );
    }
}

/// The box that is drawn with the pointer; a double click shows everything again.
fn zoom_of(ui: &Ui, theme: &Theme, response: &Response, at: &PlotTransform, chart: Chart) -> Option<Option<Zoom>> {
    if response.double_clicked() {
        return Some(None);
    }
    let key = Id::unique(("zoom from", chart));
    if response.drag_started_by(PointerButton::Primary) {
        let from = ui.input(|i| i.pointer.press_origin());
        ui.data_mut(|d| d.insert_temp(key, from));
    }
    let from = ui.data(|d| d.get_temp::<Option<Pos2>>(key)).flatten()?;
    let to = response
        .interact_pointer_pos()
        .or(ui.input(|i| i.pointer.latest_pos()))?;
    let area = Rect::from_two_pos(from, to).intersect(*at.frame());
    if response.dragged_by(PointerButton::Primary) {
        let fill = theme.accent().gamma_multiply(0.15);
        let stroke = Stroke::new(1.0, theme.accent());
        ui.painter().rect(area, 0, fill, stroke, StrokeKind::Inside);
    }
    if !response.drag_stopped_by(PointerButton::Primary) {
        return None;
    }
    ui.data_mut(|d| d.insert_temp(key, None::<Pos2>));
    if area.width() < LEAST_BOX || area.height() < LEAST_BOX {
        return None;
    }
    let (low, high) = (
        at.value_from_position(area.left_bottom()),
        at.value_from_position(area.right_top()),
    );
    let bounds = PlotBounds::from_min_max([low.x, low.y], [high.x, high.y]);
    bounds.is_valid().then_some(Some(Zoom {
        along: (low.x, high.x),
        upright: (chart, low.y, high.y),
    }))
}

fn plot<'a>(theme: &Theme, picture: &Picture<'a>) -> Plot<'a> {
    let along = picture.along;
    let (number, logarithmic) = (picture.number, picture.logarithmic);
    let marks = (f64::from(picture.height) / PIXELS_A_MARK).max(2.0);
    let least = if along == Axis::Run(Along::Steps) { 1.0 } else { 0.0 };
    let plot = Plot::new(picture.name.to_string())
        .height(picture.height)
        .sense(Sense::click_and_drag())
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .show_crosshair(false)
        .grid_color(theme.line())
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(vec2(0.0, 0.08))
        .label_formatter(|_| None)
        .custom_x_axes(vec![
            axis(theme, AxisHints::new_x())
                .formatter(move |mark, _| label(along, mark.value))
                .label_spacing(24.0..=36.0),
        ])
        .custom_y_axes(vec![
            axis(theme, AxisHints::new_y())
                .formatter(move |mark, _| {
                    number(if logarithmic {
                        10_f64.powf(mark.value)
                    } else {
                        mark.value
                    })
                })
                .min_thickness(44.0)
                .label_spacing(14.0..=22.0),
        ]);
    let plot = match along {
        Axis::Run(_) => plot.x_grid_spacer(marks::round(5.0, least)),
        Axis::Logarithmic => plot.x_grid_spacer(marks::logarithmic(5.0)),
    };
    if logarithmic {
        plot.y_grid_spacer(marks::logarithmic(marks))
    } else {
        plot.y_grid_spacer(marks::round(marks, 0.0))
    }
}

/// Labels of an axis are there to be looked up, not to be read first.
fn axis<'a>(theme: &Theme, hints: AxisHints<'a>) -> AxisHints<'a> {
    hints
        .tick_label_color(theme.muted())
        .tick_label_font(egui::FontId::proportional(10.5))
}

fn label(axis: Axis, value: f64) -> String {
    match axis {
        Axis::Run(along) => position(along, value),
        Axis::Logarithmic => number(10_f64.powf(value)),
    }
}

/// A position along an axis; there are none below 0.
pub fn position(along: Along, value: f64) -> String {
    if value < 0.0 {
        return String::new();
    }
    match along {
        Along::Steps => thousands(value as u64),
        Along::Tokens => crate::session::words::parameters(value as u64),
        Along::Time => duration(value),
    }
}

/// A number with few digits; thousands with separators.
pub fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let sign = if value < 0.0 { "-" } else { "" };
        format!("{sign}{}", thousands(value.abs() as u64))
    } else {
        small(value)
    }
}
