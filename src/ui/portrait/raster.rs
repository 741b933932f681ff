//! Triangles to pixels, so that a picture needs neither a window nor a GPU. Knows what egui's tessellator makes, not what it shows.
//!
//! Colours are premultiplied and blended as they are written (in gamma space), as egui's own painters do.

use egui::epaint::{ClippedPrimitive, ColorImage, Mesh, Primitive, Vertex, WHITE_UV};
use egui::{Color32, Pos2, Rect};

/// A picture that triangles are drawn on.
pub struct Canvas {
    width: usize,
    height: usize,
    /// Red, green, blue, alpha of each pixel, row by row, from 0 to 255.
    pixels: Vec<[f32; 4]>,
}

impl Canvas {
    /// All of one colour.
    pub fn new([width, height]: [usize; 2], ground: Color32) -> Self {
        Self {
            width,
            height,
            pixels: vec![ground.to_array().map(f32::from); width * height],
        }
    }

    /// Draws in order. `scale` is pixels a point; `atlas` is what texts and white are taken from.
    pub fn draw(&mut self, primitives: &[ClippedPrimitive], scale: f32, atlas: &ColorImage) {
        for primitive in primitives {
            // Only callbacks, which no chart has, are anything else.
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                self.mesh(mesh, scale, primitive.clip_rect * scale, atlas);
            }
        }
    }

    /// Red, green, blue and alpha of all pixels.
    pub fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().flatten().map(|v| v.round() as u8).collect()
    }

    fn mesh(&mut self, mesh: &Mesh, scale: f32, clip: Rect, atlas: &ColorImage) {
        let vertex = |index: u32| mesh.vertices.get(index as usize).map(|v| scaled(v, scale));
        let (corners, _) = mesh.indices.as_chunks::<3>();
        for [a, b, c] in corners {
            if let (Some(a), Some(b), Some(c)) = (vertex(*a), vertex(*b), vertex(*c)) {
                self.triangle([a, b, c], clip, atlas);
            }
        }
    }

    fn triangle(&mut self, [a, mut b, mut c]: [Vertex; 3], clip: Rect, atlas: &ColorImage) {
        let mut area = edge(a.pos, b.pos, c.pos);
        if area < 0.0 {
            std::mem::swap(&mut b, &mut c);
            area = -area;
        }
        if area == 0.0 || !area.is_finite() {
            return;
        }
        let box_of =
            Rect::from_points(&[a.pos, b.pos, c.pos]).intersect(Rect::from_min_max(clip.min.round(), clip.max.round()));
        let plain = [a, b, c].iter().all(|v| v.uv == WHITE_UV);
        for y in pixels(box_of.top(), box_of.bottom(), self.height) {
            for x in pixels(box_of.left(), box_of.right(), self.width) {
                let at = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
                let sides = [(b.pos, c.pos), (c.pos, a.pos), (a.pos, b.pos)];
                let parts = sides.map(|(from, to)| (edge(from, to, at), owns(from, to)));
                if parts
                    .iter()
                    .any(|(side, owned)| *side < 0.0 || (*side == 0.0 && !owned))
                {
                    continue;
                }
                let [u, v, w] = parts.map(|(side, _)| (side / area) as f32);
                let mut colour = mixed([a, b, c].map(|v| v.color.to_array().map(f32::from)), [u, v, w]);
                if !plain {
                    let place = a.uv.to_vec2() * u + b.uv.to_vec2() * v + c.uv.to_vec2() * w;
                    let texel = sampled(atlas, place.x, place.y);
                    colour = std::array::from_fn(|i| colour[i] * texel[i] / 255.0);
                }
                let pixel = &mut self.pixels[y * self.width + x];
                let rest = 1.0 - colour[3] / 255.0;
                *pixel = std::array::from_fn(|i| colour[i] + pixel[i] * rest);
            }
        }
    }
}

fn scaled(vertex: &Vertex, scale: f32) -> Vertex {
    Vertex {
        pos: (vertex.pos.to_vec2() * scale).to_pos2(),
        ..*vertex
    }
}

/// Pixels whose middle lies between two positions.
fn pixels(from: f32, to: f32, end: usize) -> std::ops::Range<usize> {
    let first = (from - 0.5).ceil().max(0.0) as usize;
    let last = ((to - 0.5).floor() + 1.0).max(0.0) as usize;
    first..last.min(end)
}

/// Above 0 on one side of the line through two corners, below 0 on the other. The same number with the other sign where they are
/// swapped, to the last bit: so no pixel on the seam of two triangles is drawn twice or left out.
fn edge(from: Pos2, to: Pos2, at: Pos2) -> f64 {
    let swapped = (from.x, from.y) > (to.x, to.y);
    let (a, b) = if swapped { (to, from) } else { (from, to) };
    let wide = |x: f32, y: f32| f64::from(x) - f64::from(y);
    let side = wide(b.x, a.x) * wide(at.y, a.y) - wide(b.y, a.y) * wide(at.x, a.x);
    if swapped { -side } else { side }
}

/// Does a pixel exactly on this edge belong to the triangle on its inner side? True for one direction of each line.
fn owns(from: Pos2, to: Pos2) -> bool {
    (from.x, from.y) > (to.x, to.y)
}

fn mixed(colours: [[f32; 4]; 3], [u, v, w]: [f32; 3]) -> [f32; 4] {
    let [a, b, c] = colours;
    std::array::from_fn(|i| a[i] * u + b[i] * v + c[i] * w)
}

/// The atlas at a place from 0 to 1, between its four nearest points.
fn sampled(atlas: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = atlas.size;
    let (x, y) = (u * width as f32 - 0.5, v * height as f32 - 0.5);
    let texel = |dx: f32, dy: f32| {
        let column = ((x.floor() + dx).max(0.0) as usize).min(width.saturating_sub(1));
        let row = ((y.floor() + dy).max(0.0) as usize).min(height.saturating_sub(1));
        let colour = atlas.pixels.get(row * width + column).copied().unwrap_or_default();
        colour.to_array().map(f32::from)
    };
    let (right, down) = (x - x.floor(), y - y.floor());
    let between = |a: [f32; 4], b: [f32; 4], t: f32| -> [f32; 4] { std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t) };
    let upper = between(texel(0.0, 0.0), texel(1.0, 0.0), right);
    let lower = between(texel(0.0, 1.0), texel(1.0, 1.0), right);
    between(upper, lower, down)
}
