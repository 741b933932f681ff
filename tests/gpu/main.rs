//! Numerical tests on tensors: the CPU device always, a software Vulkan device where one is present.

mod architectures;
mod architectures_lora;
mod cache;
mod context;
mod devices;
mod golden;
mod golden_lora;
mod golden_schedule;
mod golden_sft;
mod golden_tiny_llama;
mod kernels;
mod kernels_block;
mod kernels_blocks;
mod kernels_kit;
mod kernels_linear;
mod kernels_nf4;
mod lesson;
mod one_path;
mod optimizers;
mod passes;
mod real_models;
mod run_loop;
mod sampling;
mod stop_texts;
mod train_devices;
