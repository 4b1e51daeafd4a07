# Writes a block of Yao.jl as the JSON that QMK reads (docs/howto/yao.md describes it).
#
#     include("yao_to_qmk.jl")
#     yao_to_qmk("bell.yao.json", chain(2, put(1 => H), control(1, 2 => X), Measure(2)))
#
# Nothing is left out: what has no form there is an error that names the block.

using YaoBlocks
using YaoBlocks: ConstantGate, GeneralMatrixBlock, RotationGate, ShiftGate, PhaseGate, PutBlock, ControlBlock,
    ChainBlock, KronBlock, RepeatedBlock, Subroutine, CachedBlock, Daggered, Scale, Measure
using YaoAPI: AllLocs, ComputationalBasis, NoPostProcess, ResetTo

const CONSTANTS = Dict("XGate" => "X", "YGate" => "Y", "ZGate" => "Z", "HGate" => "H", "I2Gate" => "I2",
    "SGate" => "S", "SdagGate" => "Sdag", "TGate" => "T", "TdagGate" => "Tdag", "SWAPGate" => "SWAP")

pair(z) = [Float64(real(z)), Float64(imag(z))]

function matblock_form(b)
    m = Matrix(mat(ComplexF64, b))
    nqubits(b) <= 3 || error("a matrix of $(nqubits(b)) qubits is not read by QMK: $(typeof(b))")
    Dict("block" => "matblock", "matrix" => [[pair(m[i, j]) for j in axes(m, 2)] for i in axes(m, 1)])
end

function form(b::ConstantGate)
    name = get(CONSTANTS, string(nameof(typeof(b))), nothing)
    name === nothing ? matblock_form(b) : Dict("block" => "gate", "gate" => name)
end
form(b::GeneralMatrixBlock) = matblock_form(b)
form(b::RotationGate) = Dict("block" => "rot", "angle" => Float64(b.theta), "of" => form(content(b)))
form(b::ShiftGate) = Dict("block" => "shift", "angle" => Float64(b.theta))
form(b::PhaseGate) = Dict("block" => "phase", "angle" => Float64(b.theta))
form(b::PutBlock) = Dict("block" => "put", "at" => collect(b.locs), "of" => form(content(b)))
form(b::Subroutine) = Dict("block" => "put", "at" => collect(b.locs), "of" => form(content(b)))
form(b::ControlBlock) = Dict("block" => "control", "controls" => collect(b.ctrl_locs),
    "config" => collect(b.ctrl_config), "at" => collect(b.locs), "of" => form(content(b)))
form(b::ChainBlock) = Dict("block" => "chain", "blocks" => [form(part) for part in subblocks(b)])
form(b::KronBlock) = Dict("block" => "kron", "blocks" =>
    [Dict("block" => "put", "at" => collect(locs), "of" => form(part)) for (locs, part) in zip(b.locs, b.blocks)])
form(b::RepeatedBlock) = Dict("block" => "repeat", "at" => collect(b.locs), "of" => form(content(b)))
form(b::CachedBlock) = Dict("block" => "cache", "of" => form(content(b)))
form(b::Daggered) = Dict("block" => "dagger", "of" => form(content(b)))
form(b::Scale) = Dict("block" => "scale", "factor" => pair(YaoBlocks.factor(b)), "of" => form(content(b)))

function form(b::Measure)
    b.operator isa ComputationalBasis || error("a measurement of an operator has no form: $(b.operator)")
    b.error_prob == 0 || error("a measurement with error_prob has no form; give QMK a noise model")
    found = Dict{String,Any}("block" => "measure")
    b.locations isa AllLocs || (found["at"] = collect(b.locations))
    if b.postprocess isa ResetTo
        found["reset"] = Int(getfield(b.postprocess, 1))
    elseif !(b.postprocess isa NoPostProcess)
        error("a measurement that removes its qubits has no form: $(b.postprocess)")
    end
    found
end

form(b) = error("no form for $(typeof(b)): only put, control, chain, kron, repeat, rotations, shift, phase, matblock, " *
                "measure, cache, dagger and scale are written")

json(x::AbstractDict) = "{" * join(("\"$k\": $(json(v))" for (k, v) in sort(collect(x); by = first)), ", ") * "}"
json(x::AbstractVector) = "[" * join(map(json, x), ", ") * "]"
json(x::AbstractString) = "\"$x\""
json(x::Integer) = string(x)
json(x::Real) = isfinite(x) ? repr(Float64(x)) : error("$x has no form in JSON")

"""
    yao_to_qmk(path, block)

Writes a block as JSON into a file; `yao_to_qmk(block)` gives the text.
"""
yao_to_qmk(block) = json(Dict("format" => "yao-json", "version" => 1, "n" => nqubits(block), "block" => form(block)))
yao_to_qmk(path::AbstractString, block) = write(path, yao_to_qmk(block) * "\n")
